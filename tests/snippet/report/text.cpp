// SPDX-License-Identifier: Apache-2.0
// Numbers and names for tables, pages and file names.
#include <iostream>

#include <dnalm/report/text.hpp>

int main() {
  std::cout << dnalm::report::rounded_text(0.617, 2) << " of " << dnalm::report::grouped_text(9237) << "\n";
  std::cout << dnalm::report::escape_markup("p < 0.05 & <b>") << "\n";
  std::cout << dnalm::report::file_name_text("H3K4me3/K562 (rep 1)") << "\n";
}
