// SPDX-License-Identifier: Apache-2.0
// FASTA records, one at a time: a genome never has to fit into memory.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>

#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/fasta.hpp>

int main() {
  const auto path =
      std::filesystem::temp_directory_path() / ("dnalm_fasta_" + std::to_string(getpid()) + ".fa");
  dnalm::io::write_file(path, ">peak_1 chr1:100-112\nACGTAC\nGTTTAA\n>peak_2\nGATTACA\n");
  dnalm::io::line_reader lines(path);
  dnalm::io::fasta_reader reader(lines);
  dnalm::io::sequence_record record;
  while (reader.next(record))
    std::cout << record.number << " " << record.name << " " << record.sequence << "\n";
  std::filesystem::remove(path);
}
