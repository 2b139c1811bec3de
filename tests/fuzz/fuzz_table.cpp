// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Any bytes as a table: rows as wide as the header; what a tab-separated table can hold reads back
/// the same.
///
/// The first byte says whether the rest is packed by gzip here.
#include <algorithm>
#include <cmath>
#include <cstring>

#include <dnalm/io/table.hpp>
#include <dnalm/io/table_writer.hpp>

#include "fuzz_support.hpp"

namespace {

using namespace dnalm_fuzz;
using row = std::vector<std::string>;

struct content {
  row columns;
  std::vector<row> rows;
};

content read_table(const std::string& path) {
  dnalm::io::line_reader lines(path, {.line_bytes = 1 << 16, .total_bytes = 1 << 20});
  dnalm::io::table_reader table(lines);
  content all{table.columns(), {}};
  for (std::size_t i = 0; i < all.columns.size(); ++i) {
    promise(table.find(all.columns[i]) == static_cast<index_t>(i), "columns are found by name");
  }
  row fields;
  index_t line = 0;
  while (table.next(fields)) {
    promise(fields.size() == all.columns.size(), "rows are as wide as the header");
    promise(table.line_number() > line, "rows stand on later and later lines");
    line = table.line_number();
    all.rows.push_back(fields);
  }
  return all;
}

void check_number(const std::string& field) {
  guarded(
      [&] {
        const double value = dnalm::io::parse_number(field, "a field");
        promise(!std::isinf(value), "a number is finite or missing");
        if (std::isnan(value)) return;
        const double again = dnalm::io::parse_number(dnalm::io::format_number(value), "again");
        promise(std::memcmp(&again, &value, sizeof value) == 0, "a number survives bit for bit");
      },
      "a field");
}

/// Whether a written line is read as a line of the table: not as a remark, as blank, or behind a byte order
/// mark.
bool is_read_as_row(const row& fields) {
  const bool blank = std::all_of(fields.begin(), fields.end(), [](const std::string& field) {
    return field.find_first_not_of(" \t\v\f") == std::string::npos;
  });
  return !blank && !fields[0].starts_with('#') && !fields[0].starts_with("\xEF\xBB\xBF");
}

/// A table of two columns or more (without a tab the reader takes commas) that the writer takes survives.
void check_round_trip(const content& table) {
  static const memory_folder folder("table");
  const std::string path = (folder.path() / "again.tsv").string();
  if (table.columns.size() < 2 || !is_read_as_row(table.columns)) return;
  for (const row& fields : table.rows) {
    if (fields[0].starts_with('#')) return;
  }
  const bool written = guarded([&] {
    dnalm::io::table_writer writer(path, table.columns);
    for (const row& fields : table.rows) writer.row(fields);
    writer.commit();
  });
  if (!written) return;
  content again;
  if (!guarded([&] { again = read_table(path); })) finding("a table that was written cannot be read");
  promise(again.columns == table.columns && again.rows == table.rows, "a table survives");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static memory_file file("table");
  const std::string path = file.path();
  input in(data, size);
  const unsigned choice = in.byte();
  file.fill((choice & 1) != 0 ? compressed(in.rest(), 31) : std::string(in.rest()));
  guarded(
      [&] {
        const content table = read_table(path);
        for (const row& fields : table.rows) {
          for (const auto& field : fields) check_number(field);
        }
        if ((choice & 2) != 0) check_round_trip(table);
      },
      path);
  return 0;
}
