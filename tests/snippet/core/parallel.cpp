// SPDX-License-Identifier: Apache-2.0
// Independent items on all cores; each writes only its own result.
#include <iostream>
#include <vector>

#include <dnalm/core/parallel.hpp>

int main() {
  std::vector<dnalm::index_t> squares(5);
  dnalm::parallel_for(
      5, 0, [&](dnalm::index_t item, int) { squares[static_cast<std::size_t>(item)] = item * item; });
  for (const auto square : squares) std::cout << square << " ";
  std::cout << "\n";
}
