// SPDX-License-Identifier: Apache-2.0
// Sequences with labels and splits from a table (FASTA and FASTQ are read by the same call).
#include <iostream>
#include <string>

#include <dnalm/io/sequence_file.hpp>

int main(int, char** argv) {
  const auto table = dnalm::io::read_sequences(std::string(argv[1]) + "/examples/data/wtc11.tsv.gz");
  std::cout << table.records.size() << " sequences, target " << table.targets[0] << ", " << std::boolalpha
            << table.has_split << " " << table.has_group << "\n";
  const auto& first = table.records.front();
  std::cout << first.name << ", " << first.sequence.size() << " letters, " << first.split << "\n";
}
