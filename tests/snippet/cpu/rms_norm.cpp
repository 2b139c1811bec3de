// SPDX-License-Identifier: Apache-2.0
// The mean square of (1, 7) is 25.
#include <iostream>

#include <dnalm/cpu/rms_norm.hpp>

int main() {
  const float x[] = {1, 7};
  const float gamma[] = {10, 100};
  float y[2];
  dnalm::cpu_rms_norm(dnalm::choose_isa(), dnalm::as_matrix(x, 1, 2), {gamma, 2}, 0.0F,
                      dnalm::as_matrix(y, 1, 2));
  std::cout << y[0] << " " << y[1] << "\n";
}
