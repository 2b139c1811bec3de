// SPDX-License-Identifier: Apache-2.0
// Maps of several sequences in one npz, padded at the end.
#include <filesystem>
#include <iostream>

#include <dnalm/attribution/attribution_file.hpp>

int main() {
  const auto file = std::filesystem::temp_directory_path() / "dnalm_snippet_attribution.npz";
  dnalm::attribution_writer writer(file, 6, {}, {{"method", "input_x_gradient"}, {"strands", "forward"}});
  for (const char* sequence : {"GATTAC", "GAT"}) {
    writer.add({.name = sequence, .sequence = sequence, .attributions = dnalm::one_hot_map(sequence)});
  }
  writer.finish();
  const dnalm::io::npz_reader npz(file);
  for (const auto& name : npz.names()) {
    const auto array = npz.read(name);
    if (name == "conventions") continue;
    std::cout << name;
    for (const auto extent : array.shape) std::cout << ' ' << extent;
    std::cout << '\n';
  }
  std::filesystem::remove(file);
}
