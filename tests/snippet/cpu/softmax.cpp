// SPDX-License-Identifier: Apache-2.0
// Scores become probabilities, row by row and in place.
#include <iomanip>
#include <iostream>

#include <dnalm/cpu/softmax.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  dnalm::matrix<float> scores(1, 4);
  scores(0, 2) = 1000;  // no overflow: the largest score is subtracted first
  scores(0, 3) = 1000;
  dnalm::cpu_softmax_rows(dnalm::choose_isa(), scores.view());
  std::cout << std::fixed << std::setprecision(3);
  for (dnalm::index_t c = 0; c < 4; ++c) std::cout << scores(0, c) << " ";
  std::cout << "\n";
}
