// SPDX-License-Identifier: Apache-2.0
// The tensors of a published Caduceus-PS, and its parameters.
#include <iostream>

#include <dnalm/models/caduceus_tensors.hpp>
#include <dnalm/models/tensor_plan.hpp>

int main() {
  dnalm::caduceus_config config;
  config.layers = 16;
  config.channels = 256;
  config.width = 512;
  config.vocabulary = 16;
  config.inner = 512;
  config.rank = 16;
  config.two_strands = true;
  config.exchanges_strands = true;
  const auto plan = dnalm::plan_tensors(config);
  std::cout << plan[2].name << " " << plan[2].shape[0] << " x " << plan[2].shape[1] << "\n"
            << dnalm::count_parameters(plan) << "\n";
}
