// SPDX-License-Identifier: Apache-2.0
// Whether a checkpoint holds what its configuration asks for, before any weight is read.
#include <iostream>
#include <string>

#include <dnalm/models/checkpoint_source.hpp>

int main(int, char** argv) {
  const std::string folder = std::string(argv[1]) + "/tests/golden/models/nt_v2_d8";
  dnalm::encoder_config config = dnalm::read_encoder_config(folder);
  const auto weights = dnalm::io::checkpoint::open(folder);
  std::cout << std::boolalpha << dnalm::compare_with_plan(dnalm::plan_tensors(config), weights).empty()
            << "\n";
  config.layers += 1;  // one block more than the file has
  const auto differences = dnalm::compare_with_plan(dnalm::plan_tensors(config), weights);
  std::cout << differences.missing.size() << " missing, the first is " << differences.missing.front().name
            << "\n";
}
