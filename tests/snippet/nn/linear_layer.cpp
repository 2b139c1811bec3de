// SPDX-License-Identifier: Apache-2.0
// A weight matrix with a bias, on the float backend.
#include <iostream>
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/nn/linear_layer.hpp>

int main() {
  const dnalm::cpu_backend backend;
  const std::vector<float> weight = {1, 2, 3, 4};  // (out, in)
  const dnalm::linear_layer<dnalm::cpu_backend> layer{backend.pack(dnalm::as_matrix(weight.data(), 2, 2)),
                                                      backend.upload(std::vector<float>{0.5F, -1})};
  const auto x = backend.upload(std::vector<float>{1, 1}, 1, 2);
  dnalm::matrix<float> y(1, 2);
  auto scratch = backend.allocate(layer.scratch(backend));
  layer.forward(backend, x.view(), scratch.view(), y.view());
  std::cout << y(0, 0) << " " << y(0, 1) << "\n";
}
