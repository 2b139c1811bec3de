// SPDX-License-Identifier: Apache-2.0
// Motifs come from MEME or JASPAR files.
#include <filesystem>
#include <iostream>

#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/motif_file.hpp>

int main() {
  const auto file = std::filesystem::temp_directory_path() / "dnalm_snippet_motif_file.jaspar";
  dnalm::io::write_file(file, ">MA0035.1 Gata1\nA [0 53 0 52]\nC [0 0 0 1]\nG [53 0 1 0]\nT [0 0 52 0]\n");
  for (const dnalm::io::motif& motif : dnalm::io::read_motifs(file).motifs) {
    std::cout << motif.name << ' ' << motif.alternate << ", " << motif.width() << " columns, "
              << motif.counts[2] << " G in the first\n";
  }
  std::filesystem::remove(file);
}
