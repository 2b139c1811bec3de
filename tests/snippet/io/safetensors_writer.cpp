// SPDX-License-Identifier: Apache-2.0
// A safetensors file written tensor by tensor, so that only one need be in memory.
#include <filesystem>
#include <iostream>
#include <span>
#include <vector>

#include <dnalm/io/safetensors.hpp>
#include <dnalm/io/safetensors_writer.hpp>

int main() {
  const auto path = std::filesystem::temp_directory_path() / "dnalm_snippet_writer.safetensors";
  const std::vector<dnalm::io::tensor_info> tensors{{"bias", dnalm::dtype::f32, {2}},
                                                    {"weight", dnalm::dtype::f32, {2, 3}}};
  dnalm::io::safetensors_writer file(path, tensors, {{"format", "pt"}});
  for (const std::size_t i : file.order()) {
    const std::vector<float> values(static_cast<std::size_t>(tensors[i].size()), static_cast<float>(i));
    file.write(std::as_bytes(std::span(values)));
  }
  file.finish();
  std::cout << dnalm::io::safetensors_file(path).read("weight").size() << " numbers\n";
  std::filesystem::remove(path);
}
