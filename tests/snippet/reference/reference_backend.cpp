// SPDX-License-Identifier: Apache-2.0
// The readable double backend is the oracle of the fast one: the same call, and how far the floats are off.
#include <cmath>
#include <iostream>
#include <vector>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>

template <class B>
double first_output(const B& backend) {
  using number = dnalm::scalar_of<B>;
  const std::vector<number> numbers = {number(0.1), number(0.2), number(0.3)};
  const auto x = backend.upload(numbers, 1, 3);
  const auto weight = backend.pack(x.view());
  auto y = backend.upload(std::vector<number>(1), 1, 1);
  auto scratch = backend.allocate(backend.linear_scratch(weight));
  backend.linear(x.view(), weight, {.function = dnalm::activation::gelu_erf}, scratch.view(), y.view());
  return static_cast<double>(y(0, 0));
}

int main() {
  const double exact = first_output(dnalm::reference_backend{});
  const double fast = first_output(dnalm::cpu_backend{});
  std::cout << std::boolalpha << (std::abs(fast - exact) < 1e-6 * exact) << "\n";
}
