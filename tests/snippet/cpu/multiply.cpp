// SPDX-License-Identifier: Apache-2.0
// A gate: products by elements.
#include <iostream>

#include <dnalm/cpu/multiply.hpp>

int main() {
  const float a[] = {1, 2, 3};
  float b[] = {0, 0.5F, -1};
  dnalm::cpu_multiply(dnalm::as_matrix(a, 1, 3), dnalm::as_matrix<const float>(b, 1, 3),
                      dnalm::as_matrix(b, 1, 3));
  std::cout << b[0] << " " << b[1] << " " << b[2] << "\n";
}
