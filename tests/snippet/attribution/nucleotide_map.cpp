// SPDX-License-Identifier: Apache-2.0
// A map has a number for each letter at each position; one-hot columns say which letter stands there.
#include <iostream>

#include <dnalm/attribution/nucleotide_map.hpp>

int main() {
  const dnalm::nucleotide_map letters = dnalm::one_hot_map("GATTN");
  for (dnalm::index_t letter = 0; letter < 4; ++letter) {
    std::cout << "ACGT"[letter];
    for (dnalm::index_t i = 0; i < letters.length; ++i) std::cout << ' ' << letters(letter, i);
    std::cout << '\n';
  }
}
