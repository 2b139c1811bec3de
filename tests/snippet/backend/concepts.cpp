// SPDX-License-Identifier: Apache-2.0
// Code that is written once for every backend asks for the kernels it needs.
#include <iostream>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>

template <class B>
requires dnalm::memory_kernels<B> && dnalm::elementwise_kernels<B>
void double_and_print(const B& backend, const std::vector<dnalm::scalar_of<B>>& numbers) {
  auto row = backend.upload(numbers, 1, static_cast<dnalm::index_t>(numbers.size()));
  backend.scale(2, row.view());
  std::cout << backend.name() << ": " << row(0, 0) << " " << row(0, 1) << "\n";
}

int main() {
  static_assert(dnalm::encoder_backend<dnalm::cpu_backend> &&
                dnalm::encoder_backend<dnalm::reference_backend>);
  double_and_print(dnalm::cpu_backend{}, {1.5F, -4});
  double_and_print(dnalm::reference_backend{}, {1.5, -4});
}
