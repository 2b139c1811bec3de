// SPDX-License-Identifier: Apache-2.0
// Byte pair encoding of one word: the pair with the lowest rank is merged first, the leftmost of equals.
#include <array>
#include <iostream>
#include <vector>

#include <dnalm/tokenize/bpe_merges.hpp>

int main() {
  const std::array<const char*, 4> tokens = {"A", "T", "TA", "TATA"};
  dnalm::bpe_merge_table merges(2);
  merges.add(1, 0, {.rank = 0, .result = 2});  // T A -> TA
  merges.add(2, 2, {.rank = 1, .result = 3});  // TA TA -> TATA
  std::vector<dnalm::bpe_symbol> word;
  for (const int id : {1, 0, 1, 0, 0}) {  // TATAA
    const int at = static_cast<int>(word.size());
    word.push_back(
        {.id = id, .previous = at - 1, .next = at < 4 ? at + 1 : -1, .begin = static_cast<unsigned>(at)});
  }
  std::vector<std::uint64_t> heap;
  dnalm::merge_word(word, merges, heap);
  for (const auto& symbol : word) {
    if (symbol.id >= 0) std::cout << tokens[static_cast<std::size_t>(symbol.id)] << " ";
  }
  std::cout << "\n";
}
