// SPDX-License-Identifier: Apache-2.0
// Two rows in the middle of five.
#include <iostream>

#include <dnalm/backend/row_placement.hpp>

int main() {
  const double x[] = {7, 8};
  double y[5] = {};
  dnalm::ragged_offsets from;
  dnalm::ragged_offsets to;
  from.append(2);
  to.append(5);
  dnalm::place_rows(dnalm::as_matrix(x, 2, 1), from, {0, true}, {}, to, dnalm::as_matrix(y, 5, 1));
  for (const double value : y) std::cout << value << " ";
  std::cout << "\n";
}
