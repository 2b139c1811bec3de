// SPDX-License-Identifier: Apache-2.0
// What a tokenizer.json of byte pair encoding holds, checked when it is read.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include <dnalm/tokenize/bpe_definition.hpp>

int main(int, char** argv) {
  std::ifstream file(std::string(argv[1]) + "/tests/golden/third_party/dnabert2/tokenizer.json");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const dnalm::bpe_definition definition = dnalm::read_bpe_definition(text, "tokenizer.json");
  const auto word = [&](std::int32_t id) { return definition.tokens[static_cast<std::size_t>(id)]; };
  std::cout << definition.tokens.size() << " tokens, " << definition.merges.size() << " merges\n";
  const auto& first = definition.merges.front();
  std::cout << "first merge: " << word(first.left) << " + " << word(first.right) << " = "
            << word(first.result) << "\n";
}
