// SPDX-License-Identifier: Apache-2.0
// y = residual + x W^T + b in double; the output may be the residual itself.
#include <iostream>
#include <vector>

#include <dnalm/reference/linear.hpp>

int main() {
  const std::vector<double> x = {1, 2};
  const std::vector<double> weight = {3, 4};  // one output of two inputs
  const std::vector<double> bias = {0.5};
  std::vector<double> y = {100};
  const auto out = dnalm::as_matrix(y.data(), 1, 1);
  dnalm::reference_linear(dnalm::as_matrix(x.data(), 1, 2), dnalm::as_matrix(weight.data(), 1, 2),
                          {.bias = {bias.data(), 1}, .residual = out}, out);
  std::cout << y[0] << "\n";
}
