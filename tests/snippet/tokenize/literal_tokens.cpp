// SPDX-License-Identifier: Apache-2.0
// Tokens that stand in the text as they are, found where they begin, the longest first.
#include <iostream>
#include <string_view>

#include <dnalm/tokenize/literal_tokens.hpp>

int main() {
  dnalm::literal_tokens tokens;
  tokens.add("<mask>", 2);
  tokens.add("N", 4105);
  const std::string_view text = "ACGTAC<mask>NGA";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto match = tokens.find(text, at);
    if (match.id >= 0)
      std::cout << "token " << match.id << " at " << at << ", length " << match.length << "\n";
  }
}
