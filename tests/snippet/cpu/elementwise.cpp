// SPDX-License-Identifier: Apache-2.0
// The mean of a sequence's hidden state on both strands: add, then halve.
#include <iostream>

#include <dnalm/cpu/elementwise.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::matrix<float> forward(1, 2);
  dnalm::matrix<float> reverse(1, 2);
  forward(0, 0) = 1;
  reverse(0, 0) = 2;
  reverse(0, 1) = -3;
  dnalm::cpu_add(reverse.view(), forward.view());
  dnalm::cpu_scale(0.5F, forward.view());
  std::cout << forward(0, 0) << " " << forward(0, 1) << "\n";
}
