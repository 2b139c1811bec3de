// SPDX-License-Identifier: Apache-2.0
// Mean squared error, and R2: the share of the spread that a prediction explains.
#include <iostream>
#include <vector>

#include <dnalm/metrics/error_size.hpp>

int main() {
  const std::vector<double> measured = {1, 2, 3, 4};
  const std::vector<double> predicted = {1.5, 1.5, 3.5, 3.5};
  std::cout << "mse " << dnalm::metrics::mse(measured, predicted) << ", r2 "
            << dnalm::metrics::r2(measured, predicted) << "\n";
}
