// SPDX-License-Identifier: Apache-2.0
// The largest and the mean of pairs of rows.
#include <iostream>

#include <dnalm/backend/row_pooling.hpp>

int main() {
  const double x[] = {1, 5, 4, 2, 3};
  double y[2] = {};
  dnalm::ragged_offsets from;
  dnalm::ragged_offsets to;
  from.append(5);
  to.append(2);
  dnalm::row_window pairs;
  pairs.size = pairs.stride = 2;
  const auto rows = dnalm::as_matrix(x, 5, 1);
  dnalm::max_pool_rows(rows, from, pairs, to, dnalm::as_matrix(y, 2, 1));
  std::cout << y[0] << " " << y[1] << "; ";
  dnalm::average_pool_rows(rows, from, pairs, to, dnalm::as_matrix(y, 2, 1));
  std::cout << y[0] << " " << y[1] << "\n";
}
