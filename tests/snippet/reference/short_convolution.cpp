// SPDX-License-Identifier: Apache-2.0
// Two taps: each row and twice the one before it; a second sequence begins anew.
#include <iostream>

#include <dnalm/reference/short_convolution.hpp>

int main() {
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  offsets.append(1);
  const double x[] = {1, 10, 100, 1000};
  const double w[] = {2, 1};
  const double bias[] = {0.5};
  double y[4];
  dnalm::reference_short_convolution(dnalm::as_matrix(x, 4, 1), dnalm::as_matrix(w, 2, 1), {bias, 1}, offsets,
                                     dnalm::as_matrix(y, 4, 1));
  std::cout << y[0] << " " << y[1] << " " << y[2] << " " << y[3] << "\n";
}
