// SPDX-License-Identifier: Apache-2.0
// Views of device memory have types of their own: parts can be named on the host, not read.
#include <iostream>
#include <type_traits>

#include <dnalm/cuda/views.hpp>

int main() {
  float memory[48] = {};  // stands for memory of cudaMalloc: 2 rows of [q | k | v], 8 channels each
  const dnalm::device_matrix<float> packed{memory, 2, 24, 24};
  const dnalm::device_rows<float> keys = packed.column_block(8, 8);
  std::cout << keys.rows << " x " << keys.columns << ", rows " << keys.stride << " numbers apart\n";
  std::cout << "passes for host memory: "
            << std::is_convertible_v<dnalm::device_rows<float>, dnalm::matrix_view<const float>> << "\n";
}
