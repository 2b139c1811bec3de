// SPDX-License-Identifier: Apache-2.0
// Pearson asks for a line, Spearman only for the same order.
#include <iostream>
#include <vector>

#include <dnalm/metrics/correlation.hpp>

int main() {
  const std::vector<double> measured = {1, 2, 3, 4};
  const std::vector<double> predicted = {1, 10, 100, 1000};
  std::cout << std::boolalpha << (dnalm::metrics::spearman(measured, predicted) == 1) << " "
            << (dnalm::metrics::pearson(measured, predicted) < 0.9) << "\n";
}
