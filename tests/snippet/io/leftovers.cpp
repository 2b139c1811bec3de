// SPDX-License-Identifier: Apache-2.0
// What a killed writer left is cleared away; what a living one writes stays.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/leftovers.hpp>

int main() {
  const auto folder = std::filesystem::temp_directory_path() / ("dnalm_left_" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder / ".x.npz.4242.0.part") << "half";  // as a killed process leaves it
  dnalm::io::atomic_file living(folder / "x.npz");
  std::cout << "removed: " << dnalm::io::remove_leftovers(folder / "x.npz") << "\n";
  living.write("whole");
  living.commit();
  std::cout << std::boolalpha << std::filesystem::exists(folder / "x.npz") << "\n";
  std::filesystem::remove_all(folder);
}
