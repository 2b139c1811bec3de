// SPDX-License-Identifier: Apache-2.0
// Position rows of ESM, and its token dropout, which rescales the other tokens where some are masked.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/nn/embedding_layer.hpp>

int main() {
  const std::vector<std::int32_t> ids = {3, 812, 2, 90, 1};  // <cls>, a 6-mer, <mask>, a 6-mer, <pad>
  dnalm::ragged_offsets batch;
  batch.append(5);
  std::vector<std::int32_t> rows;
  dnalm::learned_positions(ids, batch, 1, rows);
  std::vector<double> factors;
  dnalm::token_dropout_factors(ids, batch, 2, factors);
  std::cout << std::fixed << std::setprecision(2);
  for (std::size_t i = 0; i < ids.size(); ++i)
    std::cout << ids[i] << " row " << rows[i] << " x " << factors[i] << "\n";
}
