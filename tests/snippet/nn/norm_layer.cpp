// SPDX-License-Identifier: Apache-2.0
// LayerNorm with its parameters; a row without spread becomes beta.
#include <iostream>
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/nn/norm_layer.hpp>

int main() {
  const dnalm::cpu_backend backend;
  const dnalm::norm_layer<dnalm::cpu_backend> norm{backend.upload(std::vector<float>{1, 1}),
                                                   backend.upload(std::vector<float>{0.25F, -0.5F}), 1e-5};
  auto x = backend.upload(std::vector<float>{3, 3}, 1, 2);
  norm.forward(backend, x.view(), x.view());
  std::cout << x(0, 0) << " " << x(0, 1) << "\n";
}
