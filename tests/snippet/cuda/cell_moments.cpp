// SPDX-License-Identifier: Apache-2.0
// What moments on a GPU need of its memory: cells are parts of a layer's rows, each with its own targets.
#include <iostream>
#include <vector>

#include <dnalm/cuda/cell_moments.hpp>

int main() {
  const std::vector<dnalm::index_t> targets(10, 3);  // ten folds, three labels each
  std::cout << "leaves of " << dnalm::cuda_cell_moments::leaf_rows << " rows, "
            << dnalm::cuda_cell_moments::bytes(512, targets) / 1000000 << " MB for a layer of 512 features\n";
}
