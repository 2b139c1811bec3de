// SPDX-License-Identifier: Apache-2.0
// Views name parts of existing memory: here the queries and keys of a packed matrix, without a copy.
#include <iostream>
#include <vector>

#include <dnalm/tensor/view.hpp>

int main() {
  std::vector<float> memory = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const dnalm::matrix_view<float> packed = dnalm::as_matrix(memory.data(), 2, 6);  // [q | k | v] of 2 tokens
  const auto q = packed.column_block(0, 2);
  const auto k = packed.column_block(2, 2);
  std::cout << "q of token 1: " << q(1, 0) << " " << q(1, 1) << "\nk of token 1:";
  for (const float number : k.row(1)) std::cout << " " << number;
  std::cout << "\nrows lie " << k.stride << " numbers apart\n";
}
