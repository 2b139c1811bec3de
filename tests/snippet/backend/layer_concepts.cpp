// SPDX-License-Identifier: Apache-2.0
// The reference backend runs networks of layers.
#include <iostream>

#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  std::cout << std::boolalpha << dnalm::layer_backend<dnalm::reference_backend> << "\n";
}
