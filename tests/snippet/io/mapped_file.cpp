// SPDX-License-Identifier: Apache-2.0
// A file in memory without reading it: pages come when they are touched.
#include <iostream>
#include <string>

#include <dnalm/io/mapped_file.hpp>

int main(int, char** argv) {
  const dnalm::io::mapped_file file(std::string(argv[1]) + "/tests/golden/npy/f8.npy");
  std::cout << file.bytes().size() << " bytes, begins with ";
  for (const std::byte letter : file.bytes().subspan(1, 5)) std::cout << static_cast<char>(letter);
  std::cout << "\n";
}
