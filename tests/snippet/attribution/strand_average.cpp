// SPDX-License-Identifier: Apache-2.0
// The map of the other strand, turned back, and the mean of both.
#include <iostream>

#include <dnalm/attribution/strand_average.hpp>

int main() {
  const dnalm::nucleotide_map here = dnalm::one_hot_map("GATT");
  const dnalm::nucleotide_map there = dnalm::one_hot_map("AATC");  // the reverse complement
  const dnalm::nucleotide_map mean = dnalm::strand_average(here, there);
  for (dnalm::index_t i = 0; i < 4; ++i) std::cout << mean(2, i) << mean(0, i) << mean(3, i) << ' ';
  std::cout << '\n';
}
