// SPDX-License-Identifier: Apache-2.0
// Queries are turned by their place in the sequence: a quarter turn per token here.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/cpu/rotary.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  const std::vector<float> frequency = {1.57079633F};
  const auto table = dnalm::make_rotary_table<float>(frequency, 4);
  dnalm::ragged_offsets batch;
  batch.append(3);
  dnalm::matrix<float> q(3, 2);
  for (dnalm::index_t r = 0; r < 3; ++r) q(r, 0) = q(r, 1) = 1;
  dnalm::cpu_rotary(dnalm::choose_isa(), table, batch, 1, q.view());
  std::cout << std::fixed << std::setprecision(3);
  for (dnalm::index_t r = 0; r < 3; ++r) std::cout << q(r, 0) << " " << q(r, 1) << "\n";
}
