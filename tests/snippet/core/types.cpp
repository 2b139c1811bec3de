// SPDX-License-Identifier: Apache-2.0
// Sizes are signed 64-bit numbers; a product that does not fit is an error and never wraps around.
#include <iostream>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/types.hpp>

int main() {
  const std::vector<dnalm::index_t> shape = {9237, 512, 1024};  // sequences, tokens, width
  std::cout << dnalm::checked_mul(dnalm::checked_size(shape), 4) << " bytes of token embeddings\n";
  try {
    static_cast<void>(dnalm::checked_mul(dnalm::index_t{1} << 40, dnalm::index_t{1} << 40));
  } catch (const dnalm::error& e) {
    std::cout << e.id() << "\n";
  }
}
