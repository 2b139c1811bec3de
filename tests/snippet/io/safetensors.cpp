// SPDX-License-Identifier: Apache-2.0
// Tensors written with a remark and read back without a copy.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/io/safetensors.hpp>

int main() {
  const auto path =
      std::filesystem::temp_directory_path() / ("dnalm_" + std::to_string(getpid()) + ".safetensors");
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6};
  dnalm::io::write_safetensors(path, {dnalm::io::make_tensor("probe.weight", weight, {2, 3})},
                               {{"seed", "1"}});
  const dnalm::io::safetensors_file file(path);
  for (const auto& info : file.tensors()) {
    std::cout << info.name << " " << dnalm::to_string(info.type) << " " << dnalm::io::shape_text(info.shape)
              << "\n";
  }
  std::cout << file.read("probe.weight")[4] << ", seed " << file.metadata().at("seed") << "\n";
  std::filesystem::remove(path);
}
