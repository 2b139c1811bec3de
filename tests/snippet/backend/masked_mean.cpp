// SPDX-License-Identifier: Apache-2.0
// A mean over the rows whose mask is not all zeros.
#include <iostream>

#include <dnalm/backend/masked_mean.hpp>

int main() {
  const double x[] = {2, 4, 9};
  const double mask[] = {1, 0, 0, 1, 0, 0};
  double y = 0.0;
  dnalm::ragged_offsets rows;
  rows.append(3);
  dnalm::masked_mean(dnalm::as_matrix(x, 3, 1), dnalm::as_matrix(mask, 3, 2), rows,
                     dnalm::as_matrix(&y, 1, 1));
  std::cout << y << "\n";
}
