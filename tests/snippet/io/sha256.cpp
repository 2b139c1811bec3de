// SPDX-License-Identifier: Apache-2.0
// The name of a file's content, as it stands in manifest.json.
#include <iostream>
#include <span>
#include <string_view>

#include <dnalm/io/sha256.hpp>

int main() {
  const std::string_view text = "abc";
  std::cout << dnalm::io::sha256_hex(std::as_bytes(std::span(text))) << "\n";
  dnalm::io::sha256 hash;  // the same in pieces
  hash.update(std::as_bytes(std::span(text.substr(0, 1))));
  hash.update(std::as_bytes(std::span(text.substr(1))));
  std::cout << hash.hex().substr(0, 8) << "\n";
}
