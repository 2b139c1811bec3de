// SPDX-License-Identifier: Apache-2.0
// The float backend: weights are packed once, kernels chosen by the CPU.
#include <iostream>
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>

int main() {
  const dnalm::cpu_backend backend;
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  const auto weight = backend.pack(dnalm::as_matrix(numbers.data(), 3, 2));  // (out, in)
  const auto x = backend.upload(std::vector<float>{1, 10}, 1, 2);
  dnalm::matrix<float> y(1, 3);
  auto scratch = backend.allocate(backend.linear_scratch(weight));
  backend.linear(x.view(), weight, {}, scratch.view(), y.view());
  std::cout << backend.name() << ": " << y(0, 0) << " " << y(0, 1) << " " << y(0, 2) << "\n";
}
