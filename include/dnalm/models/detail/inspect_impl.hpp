// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/inspect.hpp.
#pragma once

#include <map>
#include <optional>
#include <string_view>

#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/detail/config_words.hpp>
#include <dnalm/models/detail/file_names.hpp>
#include <dnalm/models/inspect.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/models/model_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline inspected_tensor inspect_tensor(const io::tensor_info& info,
                                                     const planned_tensor* planned) {
  inspected_tensor result;
  result.info = info;
  if (planned == nullptr) {
    result.status = tensor_status::surplus;
    return result;
  }
  result.expected_shape = planned->shape;
  const bool fits = planned->shape.empty() || planned->shape == info.shape;
  const bool unused = planned->role == tensor_role::unused;
  result.status = !fits ? tensor_status::bad_shape : unused ? tensor_status::unused : tensor_status::used;
  return result;
}

}  // namespace detail

DNALM_INLINE bool model_inspection::loadable() const {
  for (const inspected_tensor& tensor : tensors) {
    if (tensor.status == tensor_status::surplus || tensor.status == tensor_status::bad_shape) return false;
  }
  return missing.empty();
}

DNALM_INLINE std::vector<std::string> model_inspection::surplus() const {
  std::vector<std::string> names;
  for (const inspected_tensor& tensor : tensors) {
    if (tensor.status == tensor_status::surplus) names.push_back(tensor.info.name);
  }
  return names;
}

DNALM_INLINE model_inspection inspect_model(const std::filesystem::path& folder, io::file_access access) {
  model_inspection result;
  result.folder = folder;
  result.config = read_network_config(folder);
  result.settings = detail::settings_in_words(result.config);
  result.configuration = read_config_entries(folder);
  const io::checkpoint weights = open_model_weights(folder, access);
  result.files = weights.files();
  const std::vector<planned_tensor> plan = detail::rename_plan(plan_tensors(result.config), weights);
  std::map<std::string_view, const planned_tensor*> planned;
  for (const planned_tensor& tensor : plan) {
    planned.emplace(tensor.name, &tensor);
    if (tensor.required && !weights.contains(tensor.name)) {
      result.missing.push_back({tensor.name, dtype::f32, tensor.shape});
    }
  }
  for (const io::tensor_info& info : weights.tensors()) {
    const auto known = planned.find(info.name);
    result.tensors.push_back(detail::inspect_tensor(info, known == planned.end() ? nullptr : known->second));
  }
  result.parameters = count_parameters(plan);
  const std::optional<tokenizer> tokens = load_model_tokenizer(folder, result.config, unknown_policy::error);
  if (tokens) {
    result.tokenizer = tokens->description();
    result.tokenizer_vocabulary = tokens->vocabulary_size();
  }
  result.max_tokens = token_limit(result.config, tokens);
  return result;
}

DNALM_END_NAMESPACE
