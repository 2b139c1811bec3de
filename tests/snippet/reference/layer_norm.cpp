// SPDX-License-Identifier: Apache-2.0
// LayerNorm in double, in place, with the biased variance.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/reference/layer_norm.hpp>

int main() {
  std::vector<double> x = {1, 3};
  const std::vector<double> gamma = {1, 10};
  const std::vector<double> beta = {0, 0.5};
  const auto view = dnalm::as_matrix(x.data(), 1, 2);
  dnalm::reference_layer_norm(view, {gamma.data(), 2}, {beta.data(), 2}, 1e-12, view);
  std::cout << std::fixed << std::setprecision(3) << x[0] << " " << x[1] << "\n";
}
