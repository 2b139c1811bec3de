// SPDX-License-Identifier: Apache-2.0
// A confidence interval that draws whole chromosomes, because rows of one chromosome are not independent.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/metrics/bootstrap.hpp>

int main() {
  const std::vector<double> values = {0.2, 0.3, 0.5, 0.6, 0.9, 1.1, 1.2, 1.6};
  const std::vector<dnalm::index_t> chromosomes = {1, 1, 2, 2, 3, 3, 4, 4};
  const auto mean = [&](dnalm::metrics::row_counts counts, std::span<double> scores) {
    double sum = 0;
    double rows = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      sum += counts[i] * values[i];
      rows += counts[i];
    }
    scores[0] = sum / rows;
  };
  const auto intervals =
      dnalm::metrics::bootstrap_intervals({.resamples = 500, .stream = "expression"}, chromosomes, 1, mean);
  std::cout << std::fixed << std::setprecision(2) << "mean 0.80, 95 % interval " << intervals[0].low << " to "
            << intervals[0].high << "\n";
}
