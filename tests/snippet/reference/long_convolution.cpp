// SPDX-License-Identifier: Apache-2.0
// A filter as long as the sequence: every row sees all before it.
#include <iostream>

#include <dnalm/reference/long_convolution.hpp>

int main() {
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  dnalm::matrix<double> filter(dnalm::reference_filter_taps(3), 1);  // 4 taps
  for (dnalm::index_t i = 0; i < 3; ++i) filter(i, 0) = static_cast<double>(i + 1);
  const dnalm::matrix<double>* filters[] = {&filter};
  const double v[] = {1, 10, 100};
  const double d[] = {0};
  double scratch[1];
  double y[3];
  dnalm::reference_long_convolution(dnalm::as_matrix(v, 3, 1), filters, {d, 1}, offsets, {scratch, 1},
                                    dnalm::as_matrix(y, 3, 1));
  std::cout << y[0] << " " << y[1] << " " << y[2] << "\n";
}
