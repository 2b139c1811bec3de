// SPDX-License-Identifier: Apache-2.0
// Elements of a checkpoint, whatever their type, are read as float or double.
#include <array>
#include <cstdint>
#include <iostream>

#include <dnalm/tensor/dtype.hpp>

int main() {
  const std::array<std::uint16_t, 2> halves = {0x3C00, 0xC100};  // 1 and -2.5 in IEEE half precision
  std::cout << dnalm::to_string(dnalm::dtype::f16) << ", " << dnalm::size_of(dnalm::dtype::f16) << " bytes:";
  for (const std::uint16_t& half : halves) {
    std::cout << " " << dnalm::read_element<float>(dnalm::dtype::f16, &half);
  }
  std::cout << "\nbfloat16: " << dnalm::float_from_bf16(0x3FC0) << "\n";
}
