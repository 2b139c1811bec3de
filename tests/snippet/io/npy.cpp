// SPDX-License-Identifier: Apache-2.0
// A NumPy array written and read back; numbers come as the type that is asked for.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/io/npy.hpp>

int main() {
  const auto path =
      std::filesystem::temp_directory_path() / ("dnalm_npy_" + std::to_string(getpid()) + ".npy");
  const std::vector<float> scores = {0.5F, 0.25F, -1, 2, 0, 8};
  dnalm::io::write_npy<float>(path, scores, {2, 3});
  const dnalm::io::npy_array array = dnalm::io::read_npy(path);
  std::cout << dnalm::to_string(array.type) << " " << array.shape[0] << " x " << array.shape[1] << ":";
  for (const double value : array.values<double>()) std::cout << " " << value;
  std::cout << "\n";
  std::filesystem::remove(path);
}
