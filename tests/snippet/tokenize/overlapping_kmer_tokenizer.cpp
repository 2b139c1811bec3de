// SPDX-License-Identifier: Apache-2.0
// DNABERT's tokens: every k-mer of plain DNA, one a base.
#include <iostream>

#include <dnalm/tokenize/overlapping_kmer_tokenizer.hpp>

int main() {
  std::vector<std::string> vocabulary = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (const char first : {'A', 'T', 'C', 'G'}) {
    for (const char second : {'A', 'T', 'C', 'G'}) vocabulary.push_back({first, second});
  }
  const dnalm::overlapping_kmer_tokenizer tokenizer(vocabulary, {}, "2-mers");
  const dnalm::token_sequence tokens = tokenizer.encode("ACGNTT");
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    std::cout << tokenizer.token(tokens.ids[i]) << " [" << tokens.begin[i] << ", " << tokens.end[i] << ")\n";
  }
}
