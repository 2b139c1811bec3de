// SPDX-License-Identifier: Apache-2.0
// Logistic regression: with a weak penalty a feature that tells the classes apart gets a large weight.
#include <iostream>
#include <vector>

#include <dnalm/probe/logistic.hpp>

int main() {
  const std::vector<double> x = {-2, 1, -1, -1, 1, 1, 2, -1};  // 4 rows, 2 features
  const std::vector<dnalm::index_t> classes = {0, 0, 1, 1};
  const auto fit = dnalm::fit_logistic(dnalm::as_matrix(x.data(), 4, 2), classes, 2, 0.1);
  std::cout << std::boolalpha << fit.converged << ", " << fit.outputs
            << " output; first feature matters: " << (fit.weights[0] > 1) << "\n";
  const std::vector<double> odds = {0, 0};
  const auto chances = dnalm::class_probabilities(dnalm::as_matrix(odds.data(), 2, 1));
  std::cout << "log-odds 0: " << chances[0] << " and " << chances[1] << "\n";
}
