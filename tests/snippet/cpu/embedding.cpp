// SPDX-License-Identifier: Apache-2.0
// Token numbers become rows of a table; a factor of 0 blanks a masked token.
#include <iostream>
#include <vector>

#include <dnalm/cpu/embedding.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  const std::vector<float> table = {0, 0.5F, 1, 1.5F, 2, 2.5F};  // 3 tokens, width 2
  const std::vector<std::int32_t> ids = {2, 0, 1};
  const std::vector<float> factors = {1, 1, 0};
  dnalm::matrix<float> hidden(3, 2);
  dnalm::cpu_embed_rows(ids, dnalm::as_matrix(table.data(), 3, 2), factors, hidden.view());
  for (dnalm::index_t r = 0; r < 3; ++r) std::cout << hidden(r, 0) << " " << hidden(r, 1) << "\n";
}
