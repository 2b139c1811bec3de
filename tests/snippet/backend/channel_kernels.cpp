// SPDX-License-Identifier: Apache-2.0
// A batch norm's scale and shift, and DeepSEA's threshold.
#include <iostream>

#include <dnalm/backend/channel_kernels.hpp>

int main() {
  const double x[] = {1, -2};
  const double scale[] = {2, 3};
  const double shift[] = {0.5, 1};
  double y[2] = {};
  const auto rows = dnalm::as_matrix(y, 1, 2);
  dnalm::scale_channels(dnalm::as_matrix(x, 1, 2), {scale, 2}, {shift, 2}, rows);
  std::cout << y[0] << " " << y[1];
  dnalm::threshold_rows<double>(rows, 0.0, 1e-6, rows);
  std::cout << "; " << y[0] << " " << y[1] << "\n";
}
