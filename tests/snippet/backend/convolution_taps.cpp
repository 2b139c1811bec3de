// SPDX-License-Identifier: Apache-2.0
// Which rows a convolution reads, for GPN's widest block, an even number of taps and a causal one.
#include <iostream>

#include <dnalm/backend/convolution_taps.hpp>

int main() {
  for (const auto taps : {dnalm::same_taps(9, 32), dnalm::same_taps(4), dnalm::causal_taps(4)}) {
    std::cout << taps.taps << " taps: rows " << taps.offset(0) << " to " << taps.offset(taps.taps - 1)
              << "; adjoint " << taps.reversed().offset(0) << " to " << taps.reversed().offset(taps.taps - 1)
              << "\n";
  }
}
