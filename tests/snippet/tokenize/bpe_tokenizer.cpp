// SPDX-License-Identifier: Apache-2.0
// DNABERT-2's tokenizer, built from its two files, and the words it makes of a sequence.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <dnalm/tokenize/bpe_tokenizer.hpp>

int main(int, char** argv) {
  const std::string folder = std::string(argv[1]) + "/tests/golden/third_party/dnabert2";
  std::ifstream file(folder + "/tokenizer.json");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const dnalm::bpe_tokenizer tokens(dnalm::read_bpe_definition(text, "tokenizer.json"),
                                    dnalm::read_tokenizer_config(folder), "tokenizer.json");
  std::cout << tokens.description() << "\n";
  for (const int id : tokens.encode("ACGTAGCATCGGATCTATCTATCGACACTTGGTTATCGATCTACGAGCATCTCGTTAGC").ids) {
    std::cout << tokens.token(id) << " ";
  }
  std::cout << "\n";
}
