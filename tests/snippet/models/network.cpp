// SPDX-License-Identifier: Apache-2.0
// Which classes can stand behind `model`: those with the members of an encoder.
#include <iostream>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/network.hpp>

struct half_a_network {
  using config_type = dnalm::encoder_config;
};

int main() {
  std::cout << std::boolalpha << "encoder on cpu: " << dnalm::network<dnalm::cpu_encoder> << '\n'
            << "encoder on reference: " << dnalm::network<dnalm::reference_encoder> << '\n'
            << "half a network: " << dnalm::network<half_a_network> << '\n';
}
