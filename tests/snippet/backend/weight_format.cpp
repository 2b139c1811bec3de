// SPDX-License-Identifier: Apache-2.0
// Weights as they are, or smaller.
#include <iostream>

#include <dnalm/backend/weight_format.hpp>

int main() {
  using dnalm::weight_format;
  for (const auto format : {weight_format::f32, weight_format::bf16, weight_format::int8}) {
    std::cout << dnalm::to_string(format) << "\n";
  }
}
