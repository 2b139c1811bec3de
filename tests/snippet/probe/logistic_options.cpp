// SPDX-License-Identifier: Apache-2.0
// How a logistic regression is solved: the same optimum by both methods.
#include <cmath>
#include <iostream>
#include <vector>

#include <dnalm/probe/logistic.hpp>
#include <dnalm/probe/logistic_options.hpp>

int main() {
  const std::vector<double> x = {-2, 1, -1, -1, 1, 1, 2, -1};  // 4 rows, 2 features
  const std::vector<dnalm::index_t> classes = {0, 0, 1, 1};
  dnalm::logistic_options options;
  std::vector<double> first;
  for (const auto method : {dnalm::logistic_method::newton, dnalm::logistic_method::lbfgs}) {
    options.method = method;
    first.push_back(
        dnalm::fit_logistic(dnalm::as_matrix(x.data(), 4, 2), classes, 2, 0.1, options).weights[0]);
  }
  std::cout << std::boolalpha << (std::abs(first[0] - first[1]) < 1e-6) << "\n";
}
