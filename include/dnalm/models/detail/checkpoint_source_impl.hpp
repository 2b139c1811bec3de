// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/checkpoint_source.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string_view>
#include <type_traits>
#include <utility>

#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/detail/file_names.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The first names of a list and how many more there are.
template <class Named>
[[nodiscard]] std::string list_names(const std::vector<Named>& tensors) {
  std::string text;
  for (std::size_t i = 0; i < tensors.size() && i < 5; ++i) text += (i == 0 ? "" : ", ") + tensors[i].name;
  if (tensors.size() > 5) text += " and " + std::to_string(tensors.size() - 5) + " more";
  return text;
}

inline void refuse_differences(const plan_differences& differences, const std::string& where) {
  if (!differences.shapes.empty()) {
    const auto& first = differences.shapes.front();
    throw error(error_kind::shape, 412, "a tensor has another shape than the configuration says",
                {.where = where + ", tensor " + first.found.name,
                 .expected = io::shape_text(first.planned.shape),
                 .found = io::shape_text(first.found.shape)});
  }
  if (!differences.missing.empty()) {
    throw error(error_kind::config, 410, "tensors that the configuration needs are missing",
                {.where = where, .expected = list_names(differences.missing)});
  }
  if (!differences.surplus.empty()) {
    throw error(error_kind::config, 411, "tensors that do not belong to the configuration",
                {.where = where, .found = list_names(differences.surplus)});
  }
}

/// The first tensor of every group of which none is there.
[[nodiscard]] inline std::vector<planned_tensor> missing_groups(const std::vector<planned_tensor>& plan,
                                                                const io::checkpoint& weights) {
  std::map<std::string_view, const planned_tensor*> missing;
  for (const planned_tensor& tensor : plan) {
    if (!tensor.group.empty()) missing.emplace(tensor.group, &tensor);
  }
  for (const planned_tensor& tensor : plan) {
    if (!tensor.group.empty() && weights.contains(tensor.name)) missing.erase(tensor.group);
  }
  std::vector<planned_tensor> first;
  for (const auto& [group, tensor] : missing) first.push_back(*tensor);
  return first;
}

/// A tied tensor that is there must hold the numbers of the other.
inline void check_tied(const io::checkpoint& weights, const planned_tensor& tensor,
                       const std::string& where) {
  if (tensor.same_as.empty() || !weights.contains(tensor.name) || !weights.contains(tensor.same_as)) return;
  const std::vector<float> one = weights.read(tensor.name);
  const std::vector<float> other = weights.read(tensor.same_as);
  // NaN is refused later, when the tensor in use is read.
  const auto same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  if (std::equal(one.begin(), one.end(), other.begin(), other.end(), same)) return;
  throw error(error_kind::config, 413, "a tensor differs from the one it is tied to",
              {.where = where + ", tensor " + tensor.name, .expected = "the numbers of " + tensor.same_as});
}

template <class T>
void check_all_finite(const std::string& where, std::span<const T> values) {
  if constexpr (std::is_same_v<T, float>) {
    if (io::find_non_finite(values) < 0) return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw error(error_kind::numeric, 415, "a weight is not a finite number",
                {.where = where + ", element " + std::to_string(i),
                 .found = std::isnan(values[i]) ? "NaN" : "infinity"});
  }
}

}  // namespace detail

DNALM_INLINE plan_differences compare_with_plan(const std::vector<planned_tensor>& wanted,
                                                const io::checkpoint& weights) {
  const std::vector<planned_tensor> plan = detail::rename_plan(wanted, weights);
  plan_differences differences;
  differences.missing = detail::missing_groups(plan, weights);
  std::map<std::string_view, const planned_tensor*> planned;
  for (const planned_tensor& tensor : plan) {
    planned.emplace(tensor.name, &tensor);
    if (tensor.required && !weights.contains(tensor.name)) differences.missing.push_back(tensor);
  }
  for (const io::tensor_info& info : weights.tensors()) {
    const auto known = planned.find(info.name);
    if (known == planned.end()) {
      if (!detail::is_beside_network(info.name)) differences.surplus.push_back(info);
    } else if (!known->second->shape.empty() && known->second->shape != info.shape) {
      differences.shapes.push_back({info, *known->second});
    }
  }
  return differences;
}

DNALM_INLINE checkpoint_source::checkpoint_source(io::checkpoint weights,
                                                  const std::vector<planned_tensor>& plan,
                                                  const std::string& where)
    : weights_(std::move(weights)), in_file_(detail::wrapped_names(plan, weights_)) {
  detail::refuse_differences(compare_with_plan(plan, weights_), where);
  for (const planned_tensor& tensor : detail::rename_plan(plan, weights_)) {
    detail::check_tied(weights_, tensor, where);
  }
}

DNALM_INLINE const std::string& checkpoint_source::name_in_file(const planned_tensor& tensor) const {
  const auto wrapped = in_file_.find(tensor.name);
  return wrapped == in_file_.end() ? tensor.name : wrapped->second;
}

DNALM_INLINE bool checkpoint_source::contains(const planned_tensor& tensor) const {
  return weights_.contains(name_in_file(tensor));
}
DNALM_INLINE void checkpoint_source::read(const planned_tensor& tensor, std::span<float> out) const {
  const std::string& name = name_in_file(tensor);
  weights_.read(name, out);
  detail::check_all_finite<float>(weights_.file_of(name).string() + ", tensor " + tensor.name, out);
}
DNALM_INLINE void checkpoint_source::read(const planned_tensor& tensor, std::span<double> out) const {
  const std::string& name = name_in_file(tensor);
  weights_.read(name, out);
  detail::check_all_finite<double>(weights_.file_of(name).string() + ", tensor " + tensor.name, out);
}

DNALM_INLINE std::span<const float> checkpoint_source::lend(const planned_tensor& tensor) const {
  const std::string& name = name_in_file(tensor);
  if (weights_.access() != io::file_access::mapped || weights_.packed(name)) return {};
  const io::stored_tensor& stored = weights_.stored(name);
  const bool aligned = reinterpret_cast<std::uintptr_t>(stored.bytes.data()) % alignof(float) == 0;
  if (stored.info.type != dtype::f32 || !stored.contiguous() || !aligned) return {};
  const std::span<const float> numbers(reinterpret_cast<const float*>(stored.bytes.data()),
                                       stored.bytes.size() / sizeof(float));
  detail::check_all_finite(weights_.file_of(name).string() + ", tensor " + tensor.name, numbers);
  return numbers;
}
DNALM_INLINE void checkpoint_source::release(const planned_tensor& tensor) const {
  weights_.forget(name_in_file(tensor));
}

DNALM_END_NAMESPACE
