// SPDX-License-Identifier: Apache-2.0
// The files of an ensemble, and a name that leads out of its folder.
#include <iostream>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/models/recipe_source.hpp>

int main(int, char** argv) {
  const std::string folder = std::string(argv[1]) + "/tests/golden/convnets/gpn_7";
  for (const auto& file : dnalm::member_files(folder, {"config.json"})) {
    std::cout << file.filename().string() << "\n";
  }
  try {
    static_cast<void>(dnalm::member_files(folder, {"../gpn_7/config.json"}));
  } catch (const dnalm::error& refused) {
    std::cout << refused.id() << "\n";
  }
}
