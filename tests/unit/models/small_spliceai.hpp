// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A narrow SpliceAI of the published description, with weights of a formula
/// (tests/golden/make/make_spliceai.py).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <support/temporary_folder.hpp>
#include <unit/models/formula_runs.hpp>

namespace dnalm_test {

inline constexpr index_t spliceai_width = 5;
inline constexpr index_t spliceai_groups = 4;

/// Taps of convolution `i`, 1 to 39: the skips and the ends have one.
[[nodiscard]] inline index_t spliceai_taps(index_t i) {
  if (i < 3 || i == 9 * spliceai_groups + 3 || (i - 2) % 9 == 0) return 1;
  return (i - 3) / 9 == spliceai_groups - 1 ? 3 : 5;
}

[[nodiscard]] inline std::vector<dnalm::io::tensor_info> spliceai_tensors() {
  std::vector<dnalm::io::tensor_info> all;
  const auto add = [&](const std::string& name, const std::vector<index_t>& shape) {
    all.push_back({name, dnalm::dtype::f32, shape});
  };
  for (index_t i = 1; i <= 9 * spliceai_groups + 3; ++i) {
    const std::string name = "conv1d_" + std::to_string(i);
    const index_t outputs = i == 9 * spliceai_groups + 3 ? 3 : spliceai_width;
    add(name + "/kernel", {spliceai_taps(i), i == 1 ? 4 : spliceai_width, outputs});
    add(name + "/bias", {outputs});
  }
  for (index_t i = 1; i <= 8 * spliceai_groups; ++i) {
    const std::string name = "batch_normalization_" + std::to_string(i);
    for (const char* part : {"gamma", "beta", "moving_mean", "moving_variance"}) {
      add(name + "/" + part, {spliceai_width});
    }
  }
  return all;
}

[[nodiscard]] inline formula_source spliceai_weights() {
  return formula_source([](const dnalm::planned_tensor& tensor) {
    const bool norm = tensor.name.ends_with("gamma") || tensor.name.ends_with("moving_variance");
    return formula_source::reading{tensor.name, norm};
  });
}

inline void write_spliceai_config(const temporary_folder& folder) {
  folder.write("config.json", R"({"model_type": "spliceai", "dilations": [1, 2, 3, 4]})");
}

[[nodiscard]] inline dnalm::layer_graph small_spliceai() {
  const temporary_folder folder("spliceai");
  write_spliceai_config(folder);
  const auto config = dnalm::detail::open_config(folder.path());
  const dnalm::tensor_table table(spliceai_tensors(), "spliceai");
  return dnalm::find_recipe("spliceai")->make({config, table});
}

/// The same as a model folder.
inline void write_spliceai_folder(const temporary_folder& folder) {
  write_spliceai_config(folder);
  const auto all = spliceai_tensors();
  const formula_source source = spliceai_weights();
  std::vector<std::vector<float>> numbers(all.size());
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (std::size_t i = 0; i < all.size(); ++i) {
    numbers[i].resize(static_cast<std::size_t>(all[i].size()));
    source.read({.name = all[i].name, .shape = all[i].shape}, std::span<float>(numbers[i]));
    tensors.push_back(
        {all[i].name, dnalm::dtype::f32, all[i].shape, std::as_bytes(std::span<const float>(numbers[i]))});
  }
  dnalm::io::write_safetensors(folder / "model.safetensors", tensors);
}

}  // namespace dnalm_test
