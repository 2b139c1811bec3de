// SPDX-License-Identifier: Apache-2.0
// y += x and y *= factor on a part of a matrix: views reach what they name and nothing else.
#include <iostream>

#include <dnalm/reference/elementwise.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::matrix<double> y(2, 2);
  dnalm::matrix<double> x(1, 2);
  x(0, 0) = 3;
  dnalm::reference_add(x.view(), y.view().row_block(1, 1));
  dnalm::reference_scale(-2, y.view().row_block(1, 1));
  std::cout << y(0, 0) << " " << y(1, 0) << "\n";
}
