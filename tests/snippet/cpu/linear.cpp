// SPDX-License-Identifier: Apache-2.0
// A product with bias and activation in one pass: y = gelu(x W^T + b).
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/cpu/linear.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  const std::vector<float> numbers = {1, 1, 1, -1};  // W (out, in)
  const auto weight = dnalm::pack_weight(dnalm::as_matrix(numbers.data(), 2, 2));
  const std::vector<float> bias = {2, -2};
  const std::vector<float> x = {5, 3};
  dnalm::matrix<float> y(1, 2);
  dnalm::buffer<float> scratch(dnalm::cpu_linear_scratch(weight));
  dnalm::cpu_linear(dnalm::choose_isa(), dnalm::as_matrix(x.data(), 1, 2), weight,
                    {.bias = {bias.data(), 2}, .function = dnalm::activation::gelu_erf}, scratch.view(),
                    y.view());
  std::cout << std::fixed << std::setprecision(3) << y(0, 0) << " " << y(0, 1) << "\n";
}
