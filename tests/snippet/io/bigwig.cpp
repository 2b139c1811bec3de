// SPDX-License-Identifier: Apache-2.0
// A track as bigWig (link dnalm::bigwig); the chromosome's length comes from the assembly.
#include <filesystem>
#include <iostream>
#include <vector>

#include <dnalm/io/bigwig.hpp>

int main() {
  const auto file = std::filesystem::temp_directory_path() / "dnalm_snippet.bw";
  const std::vector<dnalm::io::track_interval> track = {{"chr1", 100, 104, 0.5}, {"chr1", 104, 105, -2}};
  dnalm::io::write_bigwig(file, track, {{"chr1", 248956422}});
  std::cout << (std::filesystem::file_size(file) > 0 ? "written\n" : "empty\n");
  std::filesystem::remove(file);
}
