// SPDX-License-Identifier: Apache-2.0
// A track as text, for genome browsers.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include <dnalm/io/bedgraph.hpp>

int main() {
  const auto file = std::filesystem::temp_directory_path() / "dnalm_snippet.bedgraph";
  const std::vector<dnalm::io::track_interval> track = {{"chr1", 100, 104, 0.1}, {"chr1", 104, 105, -2}};
  dnalm::io::write_bedgraph(file, track, "saliency");
  std::cout << std::ifstream(file).rdbuf();
  std::filesystem::remove(file);
}
