// SPDX-License-Identifier: Apache-2.0
// What a product does besides multiplying: here a bias, and the residual stream added at the end.
#include <iostream>
#include <vector>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/reference/linear.hpp>

int main() {
  const std::vector<double> input = {1, 2};
  const std::vector<double> weight = {1, 1, 1, -1};  // (out, in)
  std::vector<double> bias = {0.5, 0};
  std::vector<double> stream = {100, 100};
  const auto y = dnalm::as_matrix(stream.data(), 1, 2);
  const dnalm::linear_epilogue<double> epilogue{.bias = {bias.data(), 2}, .residual = y};
  dnalm::reference_linear(dnalm::as_matrix(input.data(), 1, 2), dnalm::as_matrix(weight.data(), 2, 2),
                          epilogue, y);
  std::cout << stream[0] << " " << stream[1] << "\n";
  const dnalm::attention_options<double> plain;
  std::cout << plain.heads << " head, scale " << plain.score_scale << "\n";
}
