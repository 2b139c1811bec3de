// SPDX-License-Identifier: Apache-2.0
// A table on standard output (or, with a path, a file that appears complete); numbers read back exactly.
#include <dnalm/io/table_writer.hpp>

int main() {
  dnalm::io::table_writer table("-", {"name", "score"}, {"scores of two peaks"});
  table.row({"peak_1", dnalm::io::format_number(0.1)});
  table.row({"peak_2", dnalm::io::format_number(1.0 / 3.0)});
  table.commit();
}
