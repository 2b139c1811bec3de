// SPDX-License-Identifier: Apache-2.0
// The tensors of the smallest published HyenaDNA, and its parameters.
#include <iostream>

#include <dnalm/models/hyena_tensors.hpp>
#include <dnalm/models/tensor_plan.hpp>

int main() {
  dnalm::hyena_config config;
  config.layers = 2;
  config.width = 128;
  config.feed_forward = 512;
  config.vocabulary = 16;
  config.positions = 1026;
  config.embedding = 5;
  config.filter_order = 64;
  config.tied_head = true;
  const auto plan = dnalm::plan_tensors(config);
  std::cout << plan[1].name << " " << plan[1].shape[0] << " x " << plan[1].shape[1] << "\n"
            << dnalm::count_parameters(plan) << "\n";
}
