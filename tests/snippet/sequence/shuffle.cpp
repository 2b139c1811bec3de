// SPDX-License-Identifier: Apache-2.0
// Shuffles keep all dinucleotides; short sequences have few of them, and the library says how many.
#include <iostream>
#include <string>

#include <dnalm/core/philox.hpp>
#include <dnalm/sequence/shuffle.hpp>

int main() {
  const std::string sequence = "ACCCACGATGATGNNACGT";
  const dnalm::sequence_shuffler shuffler(sequence, 2);
  std::cout << *shuffler.number().exact << " different shuffles\n";
  for (std::uint32_t replicate = 0; replicate < 3; ++replicate) {
    std::cout << shuffler.shuffled({.seed = 1, .sequence = dnalm::hash_name("first"), .replicate = replicate})
              << '\n';
  }
}
