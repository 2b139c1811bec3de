// SPDX-License-Identifier: Apache-2.0
// Arrays that the library hands out are xtensor arrays; kernels take views of them.
#include <iostream>

#include <dnalm/tensor/array.hpp>

int main() {
  dnalm::nd_array<float, 2> embeddings({2, 3});  // 2 sequences, width 3
  embeddings.fill(0.25F);
  const dnalm::matrix_view<float> view = dnalm::as_matrix(embeddings);
  view(1, 2) = 0.5F;  // the same memory
  std::cout << view.rows << " x " << view.columns << ": " << embeddings(1, 1) << " " << embeddings(1, 2)
            << "\n";
}
