// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/table.hpp.
#pragma once

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <unordered_set>

#include <dnalm/core/error.hpp>
#include <dnalm/io/table.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

inline void split_tabs(std::string_view line, std::vector<std::string>& fields) {
  fields.clear();
  for (;;) {
    const std::size_t tab = line.find('\t');
    fields.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return;
    line.remove_prefix(tab + 1);
  }
}

/// Splits one comma-separated record (RFC 4180): `"` opens a quoted field only at its start, `""` inside is
/// one quote, and a quoted field may run over line ends, for which further lines are read.
class csv_splitter {
 public:
  csv_splitter(line_reader& lines, std::string_view line)
      : lines_(lines), line_(line), first_(lines.line_number()) {}

  void split(std::vector<std::string>& fields) {
    fields.clear();
    do {
      fields.push_back(line_.substr(at_).starts_with('"') ? quoted() : plain());
    } while (take_comma());
  }

 private:
  bool take_comma() {
    if (at_ == line_.size()) return false;
    if (line_[at_] != ',') fail("a comma behind a quoted field");
    ++at_;
    return true;
  }

  std::string plain() {
    const std::size_t end = std::min(line_.find(',', at_), line_.size());
    const std::string_view field = line_.substr(at_, end - at_);
    if (field.find('"') != std::string_view::npos) fail("quotes around the whole field");
    at_ = end;
    return std::string(field);
  }

  std::string quoted() {
    std::string field;
    for (++at_;;) {
      const std::size_t quote = line_.find('"', at_);
      if (quote == std::string_view::npos) {
        field += line_.substr(at_);
        field += '\n';
        if (!lines_.next(line_)) fail("a closing quote before the end of the file");
        at_ = 0;
        continue;
      }
      field += line_.substr(at_, quote - at_);
      at_ = quote + 1;
      if (!line_.substr(at_).starts_with('"')) return field;
      field += '"';
      ++at_;
    }
  }

  [[noreturn]] void fail(const std::string& expected) const {
    throw error(error_kind::format, 188, "broken quotes in a comma-separated table",
                {.where = lines_.where(first_), .expected = expected});
  }

  line_reader& lines_;
  std::string_view line_;
  std::size_t at_ = 0;
  index_t first_;
};

[[nodiscard]] inline bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\v\f") == std::string_view::npos;
}

}  // namespace detail

DNALM_INLINE table_reader::table_reader(line_reader& lines) : lines_(lines) {
  std::string_view line;
  do {
    if (!lines_.next(line)) {
      throw error(error_kind::input, 193, "the file holds no records",
                  {.where = lines_.name(), .expected = "FASTA, FASTQ or a table with a header"});
    }
  } while (line.starts_with('#') || detail::is_blank(line));
  delimiter_ = line.find('\t') != std::string_view::npos ? '\t' : ',';
  row_line_ = lines_.line_number();
  split(line, columns_);
  std::unordered_set<std::string_view> seen;
  for (const std::string& column : columns_) {
    if (!seen.insert(column).second) {
      throw error(error_kind::format, 186, "two columns have one name",
                  {.where = where(), .found = "\"" + column + "\" twice"});
    }
  }
}

DNALM_INLINE void table_reader::split(std::string_view line, std::vector<std::string>& fields) {
  if (delimiter_ == '\t') {
    detail::split_tabs(line, fields);
  } else {
    detail::csv_splitter(lines_, line).split(fields);
  }
}

DNALM_INLINE index_t table_reader::find(std::string_view column) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] == column) return static_cast<index_t>(i);
  }
  return -1;
}

DNALM_INLINE bool table_reader::next(std::vector<std::string>& fields) {
  std::string_view line;
  index_t blank_line = 0;
  do {
    if (!lines_.next(line)) return false;
    if (line.empty() && blank_line == 0) blank_line = lines_.line_number();
  } while (line.empty() || line.starts_with('#'));
  if (blank_line != 0) {
    throw error(error_kind::format, 196, "a blank line between the rows of a table",
                {.where = lines_.where(blank_line)});
  }
  row_line_ = lines_.line_number();
  split(line, fields);
  if (fields.size() != columns_.size()) {
    throw error(error_kind::format, 187, "a row has not as many fields as the header",
                {.where = where(),
                 .expected = std::to_string(columns_.size()) + " fields",
                 .found = std::to_string(fields.size())});
  }
  return true;
}

DNALM_INLINE double parse_number(std::string_view text, const std::string& where) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  std::string_view digits = text.substr(first);
  digits = digits.substr(0, digits.find_last_not_of(" \t") + 1);
  if (digits.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (digits.size() == 3 && (digits[0] | 32) == 'n' && (digits[1] | 32) == 'a' && (digits[2] | 32) == 'n') {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const bool plus = digits[0] == '+' && digits.size() > 1 && digits[1] != '-';
  const char* const end = digits.data() + digits.size();
  double value = 0;
  const auto [stop, status] = std::from_chars(digits.data() + (plus ? 1 : 0), end, value);
  if (status != std::errc{} || stop != end || !std::isfinite(value)) {
    throw error(error_kind::input, 189, "not a number",
                {.where = where,
                 .expected = "a finite decimal number, or nothing or NaN for a missing one",
                 .found = "\"" + std::string(text.substr(0, 40)) + "\""});
  }
  return value;
}

}  // namespace io
DNALM_END_NAMESPACE
