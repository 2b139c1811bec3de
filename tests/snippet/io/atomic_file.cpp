// SPDX-License-Identifier: Apache-2.0
// Results appear complete or not at all: without commit() nothing is left behind.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>

#include <dnalm/io/atomic_file.hpp>

int main() {
  const auto path =
      std::filesystem::temp_directory_path() / ("dnalm_atomic_" + std::to_string(getpid()) + ".tsv");
  {
    dnalm::io::atomic_file given_up(path);
    given_up.write("name\tscore\n");
  }  // as when an exception passes
  std::cout << std::boolalpha << std::filesystem::exists(path) << "\n";
  dnalm::io::atomic_file file(path);
  file.write("name\tscore\n");
  file.write("peak_1\t0.5\n");
  file.commit();
  std::cout << std::filesystem::exists(path) << ", " << file.size() << " bytes\n";
  std::filesystem::remove(path);
}
