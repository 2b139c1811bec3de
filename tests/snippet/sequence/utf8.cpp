// SPDX-License-Identifier: Apache-2.0
// Text of unknown origin, one character at a time; bytes that are not UTF-8 are told.
#include <iostream>
#include <string_view>

#include <dnalm/sequence/utf8.hpp>

int main() {
  const std::string_view text = "5\xE2\x80\xB2-ACGT";  // a prime sign, three bytes long
  int characters = 0;
  for (std::size_t at = 0; at < text.size(); at += dnalm::read_utf8(text, at).length) ++characters;
  std::cout << text.size() << " bytes, " << characters << " characters\n";
  std::cout << std::boolalpha << dnalm::is_utf8(text) << " " << dnalm::is_utf8("\xC3(") << "\n";
}
