// SPDX-License-Identifier: Apache-2.0
// On pairs of rows a backend's adjoints are DeepLIFT's multipliers: here of relu, between 3 and -1.
#include <iostream>

#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  const double x[] = {3, -1};  // the observed row, then its reference
  const double dy[] = {1, 1};
  double dx[2] = {};
  const auto paired = dnalm::reference_backend().on_pairs({.any = true});
  paired.activation_vjp(dnalm::as_matrix(x, 2, 1), dnalm::activation::relu, dnalm::as_matrix(dy, 2, 1),
                        dnalm::as_matrix(dx, 2, 1));
  std::cout << dx[0] << " x " << x[0] - x[1] << " = relu(3) - relu(-1)\n";
}
