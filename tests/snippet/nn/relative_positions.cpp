// SPDX-License-Identifier: Apache-2.0
// What the mask of the nearest positions says of distances -2, ..., 2: one function, 2^1 - 1 = 1 > |d|.
#include <iostream>

#include <dnalm/nn/relative_positions.hpp>

int main() {
  const auto features = dnalm::relative_position_features(3, 6);
  for (dnalm::index_t r = 0; r < 5; ++r) std::cout << features(r, 1) << (r < 4 ? " " : "\n");
}
