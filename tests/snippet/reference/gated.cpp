// SPDX-License-Identifier: Apache-2.0
// A gated linear unit in double: silu(a) b for a row [a | b].
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/reference/gated.hpp>

int main() {
  const std::vector<double> x = {1, -1, 10, 10};
  std::vector<double> y(2);
  dnalm::reference_gated(dnalm::as_matrix(x.data(), 1, 4), dnalm::activation::silu,
                         dnalm::as_matrix(y.data(), 1, 2));
  std::cout << std::fixed << std::setprecision(3) << y[0] << " " << y[1] << "\n";
}
