// SPDX-License-Identifier: Apache-2.0
// The Nucleotide Transformer's tokens: 6-mers, and single letters where fewer are left or an N stands.
#include <filesystem>
#include <iostream>

#include <dnalm/tokenize/kmer_tokenizer.hpp>

int main(int, char** argv) {
  const auto folder = std::filesystem::path(argv[1]) / "tests/golden/tokenizers/nt_v2";
  const dnalm::kmer_tokenizer tokens(dnalm::read_vocabulary(folder / "vocab.txt"),
                                     dnalm::read_tokenizer_config(folder), "vocab.txt");
  std::cout << tokens.vocabulary_size() << " tokens, k = " << tokens.k() << "\n";
  for (const int id : tokens.encode("ATTCCGATTCCGANTTT").ids) std::cout << tokens.token(id) << " ";
  std::cout << "\n";
}
