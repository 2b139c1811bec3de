// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A small model folder with weights that a test can change, and all numbers that a model gives.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/random_source.hpp>

#include "small_models.hpp"

namespace dnalm_test {

/// A folder whose weights are those of its random twin, with changes.
class model_folder {
 public:
  explicit model_folder(bool nt = true, std::uint64_t seed = 1) : folder_("load_model") {
    nt ? write_nt_v2_folder(path()) : write_dnabert2_folder(path());
    const auto config = dnalm::read_encoder_config(path());
    const dnalm::random_source source(seed, 0.3);
    for (const auto& tensor : dnalm::plan_tensors(config)) {
      if (!tensor.required) continue;
      auto& values = numbers[tensor.name];
      shapes[tensor.name] = tensor.shape;
      values.resize(static_cast<std::size_t>(dnalm::checked_size(tensor.shape)));
      source.read(tensor, std::span<float>(values));
    }
  }
  [[nodiscard]] const std::filesystem::path& path() const { return folder_.path(); }
  void write() const {
    std::vector<dnalm::io::tensor_to_write> tensors;
    for (const auto& [name, values] : numbers) {
      tensors.push_back(dnalm::io::make_tensor(name, values, shapes.at(name)));
    }
    dnalm::io::write_safetensors(path() / "model.safetensors", tensors);
  }
  void set_config(const std::string& key, const dnalm::io::json& value) const {
    auto config = dnalm::io::read_json_file(path() / "config.json");
    config[key] = value;
    write_text(path() / "config.json", config.dump());
  }
  void add(const std::string& name, std::vector<dnalm::index_t> shape) {
    numbers[name].assign(static_cast<std::size_t>(dnalm::checked_size(shape)), 0.25F);
    shapes[name] = std::move(shape);
  }

  std::map<std::string, std::vector<float>> numbers;
  std::map<std::string, std::vector<dnalm::index_t>> shapes;

 private:
  temporary_folder folder_;
};

/// All hidden states and the logits of one sequence.
inline std::vector<float> numbers_of(const dnalm::model& network, const std::string& sequence) {
  const auto tokens = network.tokenize(sequence);
  dnalm::ragged_offsets offsets;
  offsets.append(tokens.size());
  std::vector<float> all;
  const auto take = [&](dnalm::matrix_view<const float> x) {
    for (dnalm::index_t r = 0; r < x.rows; ++r) all.insert(all.end(), x.row(r).begin(), x.row(r).end());
  };
  dnalm::forward_workspace workspace;
  network.forward(
      {tokens.ids, offsets}, [&](dnalm::index_t, dnalm::matrix_view<const float> x) { take(x); },
      [&](dnalm::matrix_view<const float> x) { take(x); }, workspace);
  return all;
}

}  // namespace dnalm_test
