// SPDX-License-Identifier: Apache-2.0
// The mean square of (1, 7) is 25.
#include <iostream>

#include <dnalm/nn/rms_norm_layer.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  const dnalm::reference_backend b;
  const dnalm::rms_norm_layer<dnalm::reference_backend> norm{b.upload(std::vector<double>{10, 100}), 0.0};
  dnalm::matrix<double> x(1, 2);
  x(0, 0) = 1;
  x(0, 1) = 7;
  norm.forward(b, x.view(), x.view());
  std::cout << x(0, 0) << " " << x(0, 1) << "\n";
}
