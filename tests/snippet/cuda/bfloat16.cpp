// SPDX-License-Identifier: Apache-2.0
// What is left of a number that is stored as bfloat16: 8 significant bits.
#include <iomanip>
#include <iostream>

#include <dnalm/cuda/bfloat16.hpp>

int main() {
  for (const float value : {1.0F, 3.14159274F, 0.1F}) {
    const auto stored = dnalm::to_stored<dnalm::bfloat16>(value);
    std::cout << value << " is kept as 0x" << std::hex << stored.bits << std::dec << ", "
              << std::setprecision(7) << dnalm::to_float(stored) << "\n";
  }
}
