// SPDX-License-Identifier: Apache-2.0
// An archive for numpy.load that grows batch by batch, and reading it again.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/io/npz.hpp>

int main() {
  const auto path =
      std::filesystem::temp_directory_path() / ("dnalm_npz_" + std::to_string(getpid()) + ".npz");
  dnalm::io::npz_writer writer(path);
  const std::vector<std::string> names = {"peak_1", "peak_2", "peak_3"};
  writer.add_strings("names", names);
  const std::size_t member = writer.begin<float>("mean/layer_4", {2});  // width 2, any number of rows
  writer.append(member, std::vector<float>{1, 2, 3, 4});                // a batch of two
  writer.append(member, std::vector<float>{5, 6});
  writer.finish();
  const dnalm::io::npz_reader reader(path);
  for (const auto& name : reader.names()) std::cout << name << " " << reader.read(name).shape[0] << " rows\n";
  std::filesystem::remove(path);
}
