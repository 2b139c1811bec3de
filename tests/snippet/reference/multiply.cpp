// SPDX-License-Identifier: Apache-2.0
// A gate: products by elements.
#include <iostream>

#include <dnalm/reference/multiply.hpp>

int main() {
  const double a[] = {1, 2, 3};
  double b[] = {0, 0.5, -1};
  dnalm::reference_multiply(dnalm::as_matrix(a, 1, 3), dnalm::as_matrix<const double>(b, 1, 3),
                            dnalm::as_matrix(b, 1, 3));
  std::cout << b[0] << " " << b[1] << " " << b[2] << "\n";
}
