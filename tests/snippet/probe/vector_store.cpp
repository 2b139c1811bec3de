// SPDX-License-Identifier: Apache-2.0
// Pooled vectors of several layers; beyond the budget they go to a temporary file and come back bit for bit.
#include <iostream>

#include <dnalm/probe/vector_store.hpp>

int main() {
  dnalm::vector_store store(3, {2, 2}, {.memory = 16});  // 3 rows, two layers of width 2
  dnalm::matrix<float> block(3, 2);
  block(2, 1) = 0.1F;
  store.append(0, block.view().row_block(0, 2));  // rows come in blocks
  store.append(0, block.view().row_block(2, 1));
  dnalm::matrix<float> scratch;
  const auto vectors = store.read(0, scratch);
  std::cout << std::boolalpha << store.spilled() << ", " << vectors.rows << " x " << vectors.columns << ", "
            << (vectors(2, 1) == 0.1F) << "\n";
}
