// SPDX-License-Identifier: Apache-2.0
// A gated linear unit: the first half of a row, activated, opens the gate for the second half.
#include <iomanip>
#include <iostream>

#include <dnalm/cpu/gated.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::matrix<float> x(1, 4);  // [a | b]
  x(0, 0) = 20;                  // wide open
  x(0, 1) = 0;                   // shut
  x(0, 2) = 0.25F;
  x(0, 3) = 7;
  dnalm::matrix<float> y(1, 2);
  dnalm::cpu_gated(dnalm::choose_isa(), x.view(), dnalm::activation::silu, y.view());
  std::cout << std::fixed << std::setprecision(3) << y(0, 0) << " " << y(0, 1) << "\n";
}
