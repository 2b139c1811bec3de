// SPDX-License-Identifier: Apache-2.0
// What a config.json says, whichever family of models it belongs to.
#include <iostream>
#include <string>

#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/read_config.hpp>

int main(int, char** argv) {
  const std::string models = std::string(argv[1]) + "/tests/golden/models/";
  for (const char* name : {"nt_v1_d8", "nt_v2_d8", "dnabert2_a3"}) {
    const dnalm::encoder_config config = dnalm::read_encoder_config(models + name);
    std::cout << dnalm::to_string(config.family) << ": " << config.layers << " layers, " << config.heads
              << " heads of width " << config.head_width() << ", positions "
              << dnalm::to_string(config.position) << "\n";
  }
}
