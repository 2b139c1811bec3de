// SPDX-License-Identifier: Apache-2.0
// What the config.json of a GPN folder says.
#include <iostream>
#include <string>

#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/read_config.hpp>

int main(int, char** argv) {
  const auto config = dnalm::read_convnet_config(std::string(argv[1]) + "/tests/golden/convnets/gpn_7");
  std::cout << config.layers << " layers of width " << config.width << ", " << config.taps
            << " taps, dilations";
  for (dnalm::index_t layer = 0; layer < config.layers; ++layer) std::cout << " " << config.dilation(layer);
  std::cout << "; sees " << config.receptive_field() << " bases\n";
}
