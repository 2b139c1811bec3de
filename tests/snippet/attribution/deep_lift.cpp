// SPDX-License-Identifier: Apache-2.0
// A reference of quarters, and what a map of several references says about itself.
#include <iostream>

#include <dnalm/attribution/deep_lift.hpp>

int main() {
  const dnalm::deep_lift_reference reference = dnalm::uniform_reference("ACN");
  for (dnalm::index_t i = 0; i < 3; ++i) std::cout << reference.letters(0, i) << ' ';
  dnalm::deep_lift_map map;
  map.residuals = {{0.2, 0.2, 0.0}};  // hidden state 2 explains all, states 1 and 0 do not
  std::cout << "the step above state " << map.weakest_step() << '\n';
}
