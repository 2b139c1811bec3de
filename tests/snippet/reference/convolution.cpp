// SPDX-License-Identifier: Apache-2.0
// A causal convolution in double, and its adjoint.
#include <iostream>
#include <vector>

#include <dnalm/reference/convolution.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  const std::vector<double> w = {10, 1};  // (1, 2 taps of one channel): the row before, the row itself
  const std::vector<double> x = {1, 2, 3};
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  dnalm::matrix<double> y(3, 1);
  const auto weight = dnalm::as_matrix(w.data(), 1, 2);
  dnalm::reference_convolution(dnalm::as_matrix(x.data(), 3, 1), offsets, weight, dnalm::causal_taps(2), {},
                               y.view());
  std::cout << y(0, 0) << " " << y(1, 0) << " " << y(2, 0) << "\n";
  const std::vector<double> dy = {0, 0, 1};  // of the last output
  dnalm::reference_convolution_vjp(dnalm::as_matrix(dy.data(), 3, 1), offsets, weight, dnalm::causal_taps(2),
                                   {}, y.view());
  std::cout << y(0, 0) << " " << y(1, 0) << " " << y(2, 0) << "\n";
}
