// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/table_writer.hpp.
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>
#include <system_error>

#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/table_writer.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

template <class Number>
[[nodiscard]] std::string shortest_text(Number value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 64> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}

inline void check_field(const std::string& field) {
  for (const char letter : field) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F) {
      throw error(
          error_kind::usage, 197, "this cannot be written into a table",
          {.expected = "text without tabs, line ends and control characters", .found = "\"" + field + "\""});
    }
  }
}

}  // namespace detail

DNALM_INLINE std::string format_number(double value) {
  return detail::shortest_text(value);
}
DNALM_INLINE std::string format_number(float value) {
  return detail::shortest_text(value);
}

/// The output and the width of the table. Without a file it is standard output.
struct table_writer::state {
  void write(std::string_view text) {
    if (file) {
      file->write(text);
    } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
      throw_stdout();
    }
  }
  void commit() {
    if (file) {
      file->commit();
    } else if (std::fflush(stdout) != 0) {
      throw_stdout();
    }
  }
  [[noreturn]] static void throw_stdout() {
    throw error(error_kind::io, 198, "writing failed",
                {.where = "standard output", .found = std::generic_category().message(errno)});
  }

  std::optional<atomic_file> file;
  std::size_t columns = 0;
  std::string line;
};

DNALM_INLINE table_writer::table_writer(const std::filesystem::path& file,
                                        const std::vector<std::string>& columns,
                                        const std::vector<std::string>& remarks)
    : state_(std::make_unique<state>()) {
  if (file != "-") state_->file.emplace(file);
  state_->columns = columns.size();
  for (const std::string& remark : remarks) {
    detail::check_field(remark);
    state_->write("# " + remark + "\n");
  }
  write_line(columns);
}

DNALM_INLINE table_writer::~table_writer() = default;
DNALM_INLINE table_writer::table_writer(table_writer&&) noexcept = default;
DNALM_INLINE table_writer& table_writer::operator=(table_writer&&) noexcept = default;

DNALM_INLINE void table_writer::write_line(std::span<const std::string> fields) {
  std::string& line = state_->line;
  line.clear();
  for (const std::string& field : fields) {
    detail::check_field(field);
    line += field;
    line += '\t';
  }
  if (!line.empty()) line.back() = '\n';
  // The reader takes such lines for remarks or skips them.
  if (line.starts_with('#') || line.starts_with("\xEF\xBB\xBF") || line.size() <= 1) {
    throw error(error_kind::input, 199, "this cannot begin a line of a table",
                {.expected = "a first field that does not begin with # or a byte order mark, no empty line",
                 .found = "\"" + (fields.empty() ? std::string() : fields[0]) + "\""});
  }
  state_->write(line);
}

DNALM_INLINE void table_writer::row(std::span<const std::string> fields) {
  if (fields.size() != state_->columns) {
    throw error(
        error_kind::usage, 197, "this cannot be written into a table",
        {.expected = std::to_string(state_->columns) + " fields", .found = std::to_string(fields.size())});
  }
  write_line(fields);
}

DNALM_INLINE void table_writer::commit() {
  state_->commit();
}

}  // namespace io
DNALM_END_NAMESPACE
