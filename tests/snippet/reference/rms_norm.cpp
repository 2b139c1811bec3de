// SPDX-License-Identifier: Apache-2.0
// RMS norm in double, in place: rows are divided by the root of their mean square, no mean is taken out.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/reference/rms_norm.hpp>

int main() {
  std::vector<double> x = {1, 7};
  const std::vector<double> gamma = {1, 10};
  const auto view = dnalm::as_matrix(x.data(), 1, 2);
  dnalm::reference_rms_norm(view, {gamma.data(), 2}, 1e-12, view);
  std::cout << std::fixed << std::setprecision(3) << x[0] << " " << x[1] << "\n";
}
