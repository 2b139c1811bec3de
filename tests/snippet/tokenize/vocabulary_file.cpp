// SPDX-License-Identifier: Apache-2.0
// vocab.txt: the number of a token is that of its line.
#include <filesystem>
#include <iostream>

#include <dnalm/tokenize/vocabulary_file.hpp>

int main(int, char** argv) {
  const auto tokens =
      dnalm::read_vocabulary(std::filesystem::path(argv[1]) / "tests/golden/tokenizers/nt_v2/vocab.txt");
  std::cout << tokens.size() << " tokens, number 3 is " << tokens[3] << "\n";
}
