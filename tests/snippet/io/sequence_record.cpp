// SPDX-License-Identifier: Apache-2.0
// A sequence with what a file may say about it; programs make them by hand as well.
#include <iostream>
#include <vector>

#include <dnalm/io/sequence_record.hpp>

int main() {
  const std::vector<dnalm::io::sequence_record> records = {
      {.name = "reference", .sequence = "ACGTACGT", .labels = {0.5}, .group = "chr1"},
      {.name = "variant", .sequence = "ACGAACGT", .labels = {-0.2}, .group = "chr1"}};
  for (const auto& record : records) {
    std::cout << record.name << " " << record.group << " " << record.sequence << " " << record.labels[0]
              << "\n";
  }
  std::cout << "An error would name " << dnalm::io::sequence_words(records[1], 1) << "\n";
}
