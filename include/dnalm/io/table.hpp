// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Tables of text with a header: tab-separated, or comma-separated with quotes (RFC 4180).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/line_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Reads a table row by row. A header with a tab says tab-separated (fields are taken as they stand), any
/// other comma-separated. Lines that begin with `#` are remarks; blank lines may stand before the header and
/// at the end.
class table_reader {
 public:
  /// Reads the header; `lines` must outlive the reader.
  /// \throws error [dnalm.input.193] for a file without a header, [dnalm.format.186] for two columns of one
  /// name.
  explicit table_reader(line_reader& lines);

  /// Names of the columns.
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  /// Number of a column, or -1.
  [[nodiscard]] index_t find(std::string_view column) const;
  /// The next row, as many fields as columns; false at the end.
  /// \throws error [dnalm.format.187] for a row of another length, [dnalm.format.188] for broken quotes,
  /// [dnalm.format.196] for a blank line between rows.
  [[nodiscard]] bool next(std::vector<std::string>& fields);
  /// Line on which the last row began.
  [[nodiscard]] index_t line_number() const { return row_line_; }
  /// `file, line n` of the last row.
  [[nodiscard]] std::string where() const { return lines_.where(row_line_); }
  [[nodiscard]] char delimiter() const { return delimiter_; }

 private:
  void split(std::string_view line, std::vector<std::string>& fields);

  line_reader& lines_;
  std::vector<std::string> columns_;
  index_t row_line_ = 0;
  char delimiter_ = '\t';
};

/// Reads a finite decimal number, or NaN for an empty field and `NaN` in any case; blanks around it do not
/// count. `where` names file, line and column. \throws error [dnalm.input.189] for anything else.
[[nodiscard]] double parse_number(std::string_view text, const std::string& where);

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/table_impl.hpp>
#endif
