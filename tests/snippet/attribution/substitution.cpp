// SPDX-License-Identifier: Apache-2.0
// Substitutions of a letter, and the row that a model is read at.
#include <dnalm/attribution/substitution.hpp>

#include <iostream>

int main() {
  // Every letter at position 2 of a sequence, and the sequence as it is.
  std::vector<dnalm::substitution> edits(1);
  for (int letter = 0; letter < 4; ++letter) edits.push_back({2, letter});
  for (const dnalm::substitution& edit : edits) std::cout << edit.position << ' ' << edit.letter << '\n';

  // Of the logits, those of the token in the middle.
  const dnalm::read_output middle{.logits = true,
                                  .rows = [](dnalm::index_t n) { return std::vector{n / 2}; }};
  std::cout << "row " << middle.rows(11).front() << " of 11\n";
}
