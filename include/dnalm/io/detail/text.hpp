// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Small helpers shared by the readers of text formats.
#pragma once

#include <string>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/line_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

[[nodiscard]] inline std::string_view trim_right(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\v\f");
  return last == std::string_view::npos ? std::string_view{} : line.substr(0, last + 1);
}

/// First word of a header line behind its mark, or the number of the record.
[[nodiscard]] inline std::string name_of_header(std::string_view line, index_t number) {
  line.remove_prefix(1);
  const std::size_t first = line.find_first_not_of(" \t\v\f");
  if (first == std::string_view::npos) return std::to_string(number);
  line.remove_prefix(first);
  return std::string(line.substr(0, line.find_first_of(" \t\v\f")));
}

/// A short piece of a line for a message.
[[nodiscard]] inline std::string line_excerpt(std::string_view line) {
  return line.size() <= 40 ? "\"" + std::string(line) + "\""
                           : "\"" + std::string(line.substr(0, 40)) + "...\"";
}

[[noreturn]] inline void throw_empty_sequence(const std::string& where, const std::string& name) {
  throw error(error_kind::input, 181, "empty sequence",
              {.where = where + ", record \"" + name + "\"", .expected = "at least one letter"});
}

/// The next line that is not blank, blanks at its end removed.
[[nodiscard]] inline bool next_filled_line(line_reader& lines, std::string_view& line) {
  while (lines.next(line)) {
    line = trim_right(line);
    if (!line.empty()) return true;
  }
  return false;
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
