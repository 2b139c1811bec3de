// SPDX-License-Identifier: Apache-2.0
// Two rows of two strands: the second half of each row goes below, from its end.
#include <iostream>

#include <dnalm/cpu/strands.hpp>

int main() {
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
  float y[8];
  dnalm::cpu_fold_strands(dnalm::as_matrix(x, 2, 4), false, 0, 2, dnalm::as_matrix(y, 4, 2));
  for (const float value : y) std::cout << value << " ";
  std::cout << "\n";
}
