// SPDX-License-Identifier: Apache-2.0
// The activation functions that feed-forward blocks may use, by name.
#include <iostream>

#include <dnalm/backend/activation.hpp>

int main() {
  using dnalm::activation;
  for (const activation function : {activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
    std::cout << dnalm::to_string(function) << "\n";
  }
}
