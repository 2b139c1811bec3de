// SPDX-License-Identifier: Apache-2.0
// A gzip file reads like a plain one; which it is, its first bytes say.
#include <array>
#include <iostream>
#include <string>
#include <string_view>

#include <dnalm/io/byte_source.hpp>

int main(int, char** argv) {
  dnalm::io::byte_source source(std::string(argv[1]) + "/examples/data/wtc11.tsv.gz");  // "-": standard input
  std::array<char, 13> start{};
  const std::size_t count = source.read(start);
  std::cout << std::boolalpha << source.compressed() << ": " << std::string_view(start.data(), count) << "\n";
}
