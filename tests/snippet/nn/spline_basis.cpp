// SPDX-License-Identifier: Apache-2.0
// Five positions by four splines: every row sums to 1.
#include <iostream>

#include <dnalm/nn/spline_basis.hpp>

int main() {
  const auto basis = dnalm::spline_basis(5, 4);
  for (dnalm::index_t r = 0; r < 5; ++r) {
    for (dnalm::index_t i = 0; i < 4; ++i) std::cout << basis(r, i) << (i < 3 ? " " : "\n");
  }
}
