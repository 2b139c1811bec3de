// SPDX-License-Identifier: Apache-2.0
// Slices of a genome in the 2bit format, with the soft mask in lower case or without.
#include <iostream>
#include <string>

#include <dnalm/io/two_bit.hpp>

int main(int, char** argv) {
  const dnalm::io::two_bit_file genome(std::string(argv[1]) + "/tests/golden/two_bit/little.2bit");
  for (const auto& entry : genome.sequences()) std::cout << entry.name << " " << entry.length << "\n";
  std::cout << genome.slice("chr8", 325, 345) << "\n";
  std::cout << genome.slice("chr8", 325, 345, dnalm::io::soft_mask::lower) << "\n";
  for (const auto& range : genome.n_blocks("chr8"))
    std::cout << "N " << range.begin << " " << range.end << "\n";
}
