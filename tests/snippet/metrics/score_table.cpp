// SPDX-License-Identifier: Apache-2.0
// All scores of a regression with intervals, as they stand in results.tsv.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/metrics/score_table.hpp>

int main() {
  const std::vector<double> measured = {0.1, 0.4, 0.5, 0.9, 1.3, 1.4};
  const std::vector<double> predicted = {0.2, 0.3, 0.6, 0.8, 1.1, 1.6};
  const std::vector<dnalm::index_t> groups = {0, 1, 2, 3, 4, 5};  // every row stands for itself
  std::cout << std::fixed << std::setprecision(2);
  for (const auto& score :
       dnalm::metrics::regression_scores(measured, predicted, groups, {.resamples = 200})) {
    std::cout << score.name << " " << score.value << ", interval holds it: " << std::boolalpha
              << (score.low <= score.value && score.value <= score.high) << "\n";
  }
}
