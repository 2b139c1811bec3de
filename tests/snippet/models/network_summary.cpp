// SPDX-License-Identifier: Apache-2.0
// What any configuration says of itself, and a configuration of your own that can say it too.
#include <iostream>
#include <string>

#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/models/read_config.hpp>

struct my_config {
  [[nodiscard]] dnalm::network_summary summary() const {
    return {.architecture = "mine", .layers = 3, .width = 16, .vocabulary = 7};
  }
};

template <dnalm::summarized Config>
void print(const Config& config) {
  const dnalm::network_summary about = config.summary();
  std::cout << about.architecture << ": " << about.layers << " layers, width " << about.width << ", "
            << about.heads << " heads\n";
}

int main(int, char** argv) {
  print(dnalm::read_encoder_config(std::string(argv[1]) + "/tests/golden/models/nt_v2_d8"));
  print(my_config{});
}
