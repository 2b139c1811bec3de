// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of io/line_reader.hpp.
#pragma once

#include <algorithm>
#include <cstring>

#include <dnalm/core/error.hpp>
#include <dnalm/io/line_reader.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/sequence/utf8.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

DNALM_INLINE line_reader::line_reader(const std::filesystem::path& file, text_limits limits)
    : source_(file), limits_(limits), buffer_(std::size_t{1} << 16) {
  while (end_ < 3 && fetch()) {
  }
  if (std::string_view(buffer_.data(), end_).starts_with("\xEF\xBB\xBF")) begin_ = scanned_ = 3;
}

DNALM_INLINE std::string line_reader::where(index_t number) const {
  return name() + ", line " + std::to_string(number > 0 ? number : number_);
}

/// Reads more bytes behind end_, making room first; false when there are none left.
DNALM_INLINE bool line_reader::fetch() {
  if (finished_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    scanned_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    if (static_cast<index_t>(end_) > limits_.line_bytes) {
      throw error(error_kind::memory, 174, "a line is longer than the limit",
                  {.where = where(number_ + 1),
                   .expected = "at most " + std::to_string(limits_.line_bytes) + " bytes"});
    }
    buffer_.resize(2 * buffer_.size());
  }
  const std::size_t count = source_.read({buffer_.data() + end_, buffer_.size() - end_});
  end_ += count;
  total_ += static_cast<index_t>(count);
  finished_ = count == 0;
  if (total_ > limits_.total_bytes) {
    throw error(error_kind::memory, 174, "the text is longer than the limit",
                {.where = name(), .expected = "at most " + std::to_string(limits_.total_bytes) + " bytes"});
  }
  return !finished_;
}

/// Takes one line out of the buffer, without its end.
DNALM_INLINE bool line_reader::take_line(std::string_view& line) {
  for (;;) {
    const void* found = std::memchr(buffer_.data() + scanned_, '\n', end_ - scanned_);
    if (found != nullptr) {
      const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
      line = {buffer_.data() + begin_, at - begin_};
      begin_ = scanned_ = at + 1;
      return true;
    }
    scanned_ = end_;
    if (fetch()) continue;
    line = {buffer_.data() + begin_, end_ - begin_};
    begin_ = scanned_ = end_;
    return !line.empty();
  }
}

DNALM_INLINE void line_reader::check_line(std::string_view line) const {
  if (static_cast<index_t>(line.size()) > limits_.line_bytes) {
    throw error(error_kind::memory, 174, "a line is longer than the limit",
                {.where = where(), .expected = "at most " + std::to_string(limits_.line_bytes) + " bytes"});
  }
  bool ascii = true;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    if ((byte < 0x20 && byte != '\t' && byte != '\v' && byte != '\f') || byte == 0x7F) {
      const std::string at = " at byte " + std::to_string(i + 1) + " of the line";
      throw error(error_kind::format, 175, "control characters: this is no text file",
                  {.where = where(),
                   .expected = "text (plain or gzip)",
                   .found = dnalm::detail::describe_letter(line[i]) + at});
    }
    ascii = ascii && byte < 0x80;
  }
  if (!ascii && !is_utf8(line)) {
    throw error(error_kind::format, 176, "a line is not UTF-8 text", {.where = where(), .expected = "UTF-8"});
  }
}

DNALM_INLINE bool line_reader::next(std::string_view& line) {
  if (again_) {
    again_ = false;
    line = last_;
    return true;
  }
  if (!take_line(last_)) return false;
  ++number_;
  if (last_.ends_with('\r')) last_.remove_suffix(1);
  check_line(last_);
  line = last_;
  return true;
}

}  // namespace io
DNALM_END_NAMESPACE
