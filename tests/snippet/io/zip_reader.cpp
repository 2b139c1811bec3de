// SPDX-License-Identifier: Apache-2.0
// The members of an archive, here of a compressed npz file.
#include <iostream>
#include <string>

#include <dnalm/io/zip_reader.hpp>

int main(int, char** argv) {
  const dnalm::io::zip_reader archive(std::string(argv[1]) + "/tests/golden/npy/compressed.npz");
  std::cout << archive.entries().size() << " members\n";
  const auto& entry = archive.entry("long.npy");
  std::cout << entry.name << ", " << entry.size << " bytes, " << std::boolalpha
            << (entry.method == dnalm::io::zip_method::deflated) << "; read: " << archive.read(entry).size()
            << "\n";
}
