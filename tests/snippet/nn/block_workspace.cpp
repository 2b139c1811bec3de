// SPDX-License-Identifier: Apache-2.0
// One block of memory serves all layers of a forward pass; a workspace names its parts.
#include <iostream>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/nn/block_workspace.hpp>

int main() {
  const dnalm::index_t tokens = 91;
  const dnalm::index_t width = 160;
  dnalm::ragged_offsets batch;
  batch.append(tokens);
  dnalm::matrix<float> narrow(tokens, width);
  dnalm::matrix<float> wide(tokens, 3 * width);
  const dnalm::block_workspace<dnalm::cpu_backend> workspace{
      .narrow = narrow.view(), .wide = wide.view(), .scratch = {}, .offsets = &batch};
  const auto keys = workspace.wide.column_block(width, width);
  std::cout << "keys: " << keys.rows << " x " << keys.columns << ", " << std::boolalpha
            << (workspace.rotation == nullptr ? "no rotation" : "rotated") << "\n";
}
