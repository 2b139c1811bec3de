// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Lines of a plain or gzip text, counted and checked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/byte_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Limits that keep a hostile file (a gzip bomb) from filling the memory.
struct text_limits {
  index_t line_bytes = index_t{1} << 30;    ///< longest line
  index_t total_bytes = index_t{16} << 30;  ///< whole text, unpacked
};

/// Reads lines; `\n` and `\r\n` end a line, a UTF-8 byte order mark at the start is skipped.
///
/// Text must be UTF-8 without control characters (but tab, vertical tab and form feed).
/// \throws as byte_source; error [dnalm.memory.174] past a limit, [dnalm.format.175] for control characters
/// (binary data), [dnalm.format.176] for bytes that are not UTF-8.
class line_reader {
 public:
  explicit line_reader(const std::filesystem::path& file, text_limits limits = {});

  /// The next line without its end, valid until the next call; false at the end.
  [[nodiscard]] bool next(std::string_view& line);
  /// Makes the next call of next() return the last line again.
  void put_back() { again_ = true; }
  /// Number of the last line, from 1; 0 before the first.
  [[nodiscard]] index_t line_number() const { return number_; }
  [[nodiscard]] const std::string& name() const { return source_.name(); }
  /// `name, line n` for messages; n is the last line's number unless given.
  [[nodiscard]] std::string where(index_t number = 0) const;

 private:
  bool fetch();
  [[nodiscard]] bool take_line(std::string_view& line);
  void check_line(std::string_view line) const;

  byte_source source_;
  text_limits limits_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;    // first byte not yet handed out
  std::size_t scanned_ = 0;  // no line end in [begin_, scanned_)
  std::size_t end_ = 0;
  index_t total_ = 0;
  index_t number_ = 0;
  bool finished_ = false;
  bool again_ = false;
  std::string_view last_;
};

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/line_reader_impl.hpp>
#endif
