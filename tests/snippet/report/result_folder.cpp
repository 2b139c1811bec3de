// SPDX-License-Identifier: Apache-2.0
// A folder of results appears complete or not at all, and never replaces anything but results.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/report/result_folder.hpp>

int main() {
  const auto path = std::filesystem::temp_directory_path() / ("dnalm_folder_" + std::to_string(getpid()));
  {
    dnalm::report::result_folder results(path);
    results.write_text("results.tsv", "model\tvalue\n");
    std::cout << std::boolalpha << std::filesystem::exists(path);
    results.commit();
    std::cout << " " << std::filesystem::exists(path / "results.tsv") << "\n";
  }
  try {
    const dnalm::report::result_folder again(path);  // no manifest.json inside: it may be yours
  } catch (const dnalm::error& e) {
    std::cout << e.id() << "\n";
  }
  std::filesystem::remove_all(path);
}
