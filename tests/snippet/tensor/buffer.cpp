// SPDX-License-Identifier: Apache-2.0
// A matrix owns its memory; kernels see views of it, and of parts of it.
#include <iostream>

#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::matrix<float> hidden(3, 4);  // 3 tokens, width 4
  hidden(2, 1) = 0.5F;
  const dnalm::matrix_view<const float> last = hidden.view().row_block(2, 1);
  std::cout << last.rows << " x " << last.columns << ": " << last(0, 1) << "\n";
}
