// SPDX-License-Identifier: Apache-2.0
// Ridge regression for many penalties from one factorisation; a penalty of 0 is least squares.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/probe/ridge.hpp>

int main() {
  const std::vector<double> x = {0, 1, 2, 3};  // 4 rows, one feature
  const std::vector<double> y = {1, 3, 5, 7};  // 2 x + 1
  const dnalm::ridge_path path(dnalm::as_matrix(x.data(), 4, 1), dnalm::as_matrix(y.data(), 4, 1));
  const std::vector<double> penalties = {0, 4};
  std::cout << std::fixed << std::setprecision(2);
  for (const auto& model : path.solve(penalties)) {
    std::cout << "lambda " << model.lambda << ": " << model.weights[0] << " x + " << model.intercept[0]
              << "\n";
  }
}
