// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A model folder of a Keras .h5 file, as dnalm-convert and a config.json make it. Needs HDF5.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <dnalm/io/keras_checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>

#if defined(DNALM_WITH_HDF5)
namespace dnalm_test {

/// Writes model.safetensors with its model_config, and config.json.
inline void write_keras_folder(const std::filesystem::path& h5, const std::filesystem::path& folder,
                               const std::string& config = R"({"model_type": "keras"})") {
  const dnalm::io::keras_checkpoint file(h5);
  std::vector<std::vector<float>> numbers;
  std::vector<dnalm::io::tensor_to_write> tensors;
  for (const auto& info : file.tensors()) {
    std::vector<float>& values = numbers.emplace_back(static_cast<std::size_t>(info.size()));
    dnalm::io::read_stored(file.tensor(info.name), std::span<float>(values));
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    tensors.push_back({file.tensors()[i].name, dnalm::dtype::f32, file.tensors()[i].shape,
                       std::as_bytes(std::span<const float>(numbers[i]))});
  }
  dnalm::io::write_safetensors(folder / "model.safetensors", tensors,
                               {{"model_config", file.description().model_config}});
  std::ofstream(folder / "config.json") << config;
}

}  // namespace dnalm_test
#endif
