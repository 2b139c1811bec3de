// SPDX-License-Identifier: Apache-2.0
// Windows of a max-pool that overlap add up what a row has won.
#include <iostream>

#include <dnalm/backend/secant_pooling.hpp>

int main() {
  const double x[16] = {0, 0, 9, 0, 0, 0, 1, 0};  // eight rows, and eight of the reference
  const double dy[] = {1, 1, 1, 1, 1, 1};
  double dx[16] = {};
  dnalm::ragged_offsets from;
  dnalm::ragged_offsets to;
  for (int side = 0; side < 2; ++side) {
    from.append(8);
    to.append(3);
  }
  dnalm::row_window window;
  window.size = 4;
  window.stride = 2;
  dnalm::secant_max_pool_vjp<double>(dnalm::as_matrix(x, 16, 1), from, window, dnalm::as_matrix(dy, 6, 1), to,
                                     dnalm::as_matrix(dx, 16, 1));
  for (int i = 0; i < 8; ++i) std::cout << dx[i] << (i < 7 ? " " : "\n");
}
