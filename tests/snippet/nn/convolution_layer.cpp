// SPDX-License-Identifier: Apache-2.0
// A convolution with a bias, on the float backend.
#include <iostream>
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/nn/convolution_layer.hpp>

int main() {
  const dnalm::cpu_backend backend;
  const std::vector<float> weight = {1, 1, 1};  // (out, taps in)
  const dnalm::convolution_layer<dnalm::cpu_backend> layer{
      backend.pack(dnalm::as_matrix(weight.data(), 1, 3)), backend.upload(std::vector<float>{0.5F}),
      dnalm::same_taps(3)};
  const auto x = backend.upload(std::vector<float>{1, 2, 4, 8}, 4, 1);
  dnalm::ragged_offsets offsets;
  offsets.append(4);
  dnalm::matrix<float> y(4, 1);
  auto scratch = backend.allocate(layer.scratch(backend));
  layer.forward(backend, x.view(), offsets, scratch.view(), y.view());
  for (dnalm::index_t r = 0; r < 4; ++r) std::cout << y(r, 0) << (r < 3 ? " " : "\n");
}
