// SPDX-License-Identifier: Apache-2.0
// The instruction sets with kernels of their own; the best that this CPU has is chosen at run time.
#include <iostream>

#include <dnalm/cpu/isa.hpp>

int main() {
  using dnalm::isa;
  for (const isa set : {isa::portable, isa::avx2, isa::avx512}) std::cout << dnalm::to_string(set) << "\n";
  std::cout << std::boolalpha << dnalm::supports(dnalm::choose_isa()) << "\n";
}
