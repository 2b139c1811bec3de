// SPDX-License-Identifier: Apache-2.0
// Tokens know the bases they cover; those that the tokenizer adds cover none.
#include <iostream>
#include <string_view>

#include <dnalm/tokenize/tokens.hpp>

int main() {
  const std::string_view sequence = "ATTCCGA";
  dnalm::token_sequence tokens;
  tokens.append(3, 0, 0);     // CLS
  tokens.append(369, 0, 6);   // a 6-mer
  tokens.append(4102, 6, 7);  // the last letter
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    const auto first = static_cast<std::size_t>(tokens.begin[i]);
    const auto length = static_cast<std::size_t>(tokens.end[i]) - first;
    std::cout << tokens.ids[i] << " '" << sequence.substr(first, length) << "'\n";
  }
}
