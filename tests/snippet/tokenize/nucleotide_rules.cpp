// SPDX-License-Identifier: Apache-2.0
// A tokenizer of single letters of your own: a vocabulary, a frame, and what becomes of T and U.
#include <iostream>

#include <dnalm/tokenize/nucleotide_rules.hpp>
#include <dnalm/tokenize/nucleotide_tokenizer.hpp>

int main() {
  dnalm::nucleotide_rules rules;
  rules.tokens = {"<start>", "<unknown>", "A", "C", "G", "U"};
  rules.special = {.cls = 0, .unk = 1};
  rules.prefix = {0};
  rules.replaced = {'T', 'U'};
  const dnalm::nucleotide_tokenizer tokenizer(rules, "my alphabet");
  for (const int id : tokenizer.encode_sequence("GATTN", dnalm::unknown_policy::error, "example").ids) {
    std::cout << tokenizer.token(id) << " ";
  }
  std::cout << "\n";
}
