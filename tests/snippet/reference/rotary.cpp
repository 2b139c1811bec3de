// SPDX-License-Identifier: Apache-2.0
// A rotation by position leaves the length of every pair of channels as it is.
#include <cmath>
#include <iostream>
#include <vector>

#include <dnalm/reference/rotary.hpp>

int main() {
  const std::vector<float> frequencies = {1.0F};
  const auto table = dnalm::make_rotary_table<double>(frequencies, 2);
  dnalm::ragged_offsets batch;
  batch.append(2);
  std::vector<double> q = {3, 4, 3, 4};
  dnalm::reference_rotary(table, batch, 1, dnalm::as_matrix(q.data(), 2, 2));
  std::cout << std::boolalpha << "position 0 unchanged: " << (q[0] == 3 && q[1] == 4)
            << ", position 1 turned: " << (q[2] != 3) << ", lengths " << std::lround(std::hypot(q[0], q[1]))
            << " " << std::lround(std::hypot(q[2], q[3])) << "\n";
}
