// SPDX-License-Identifier: Apache-2.0
// The configuration of a folder, whatever network it describes.
#include <iostream>
#include <string>

#include <dnalm/models/network_config.hpp>

int main(int, char** argv) {
  const std::string models = std::string(argv[1]) + "/tests/golden/models/";
  for (const char* name : {"nt_v2_d8", "dnabert2_a3"}) {
    const dnalm::network_config config = dnalm::read_network_config(models + name);
    const dnalm::network_summary about = dnalm::summary_of(config);
    std::cout << about.architecture << ": " << about.layers << " layers, vocabulary " << about.vocabulary
              << "\n";
    if (const auto* encoder = std::get_if<dnalm::encoder_config>(&config)) {
      std::cout << "  an encoder, positions " << dnalm::to_string(encoder->position) << "\n";
    }
  }
}
