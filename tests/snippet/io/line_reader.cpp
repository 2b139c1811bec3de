// SPDX-License-Identifier: Apache-2.0
// Lines of a plain or gzip text, counted for messages.
#include <iostream>
#include <string>
#include <string_view>

#include <dnalm/io/line_reader.hpp>

int main(int, char** argv) {
  dnalm::io::line_reader lines(std::string(argv[1]) + "/examples/data/wtc11.tsv.gz");
  std::string_view line;
  while (lines.next(line) && lines.line_number() < 3) std::cout << line.substr(0, line.find('\t')) << "\n";
  std::cout << "stopped at line " << lines.line_number() << "\n";
}
