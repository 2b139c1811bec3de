// SPDX-License-Identifier: Apache-2.0
// A word table plus a position table: the first hidden state of a BERT.
#include <iostream>
#include <vector>

#include <dnalm/reference/embedding.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  const std::vector<double> words = {10, 20, 30};  // 3 tokens, width 1
  const std::vector<double> positions = {0.5, 0.25, 0.125};
  const std::vector<std::int32_t> ids = {2, 2, 0};
  const std::vector<std::int32_t> places = {0, 1, 2};
  dnalm::matrix<double> hidden(3, 1);
  dnalm::reference_embed_rows(ids, dnalm::as_matrix(words.data(), 3, 1), {}, hidden.view());
  dnalm::reference_add_rows(places, dnalm::as_matrix(positions.data(), 3, 1), hidden.view());
  for (dnalm::index_t r = 0; r < 3; ++r) std::cout << hidden(r, 0) << " ";
  std::cout << "\n";
}
