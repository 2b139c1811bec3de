// SPDX-License-Identifier: Apache-2.0
// What a config.json says, and what is wrong with another.
#include <iostream>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/models/read_config.hpp>

int main(int, char** argv) {
  const std::string golden = std::string(argv[1]) + "/tests/golden/";
  const auto gpn = dnalm::read_convnet_config(golden + "convnets/gpn_7");
  std::cout << gpn.layers << " blocks of " << gpn.width << " channels\n";
  std::cout << std::boolalpha << dnalm::has_hyena_config(golden + "convnets/gpn_7") << "\n";
  try {
    static_cast<void>(dnalm::read_caduceus_config(golden + "convnets/gpn_7"));
  } catch (const dnalm::error& refused) {
    std::cout << refused.id() << "\n";
  }
}
