// SPDX-License-Identifier: Apache-2.0
// A table row by row: columns by name, numbers checked.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/io/table.hpp>

int main(int, char** argv) {
  dnalm::io::line_reader lines(std::string(argv[1]) + "/examples/data/wtc11.tsv.gz");
  dnalm::io::table_reader table(lines);
  const auto label = static_cast<std::size_t>(table.find("label"));
  double sum = 0;
  int rows = 0;
  std::vector<std::string> fields;
  while (rows < 100 && table.next(fields)) {
    sum += dnalm::io::parse_number(fields[label], table.where());
    ++rows;
  }
  std::cout << table.columns().size() << " columns; sum of " << rows << " labels is "
            << (sum > 0 ? "positive" : "negative") << "; no column cluster: " << table.find("cluster")
            << "\n";
}
