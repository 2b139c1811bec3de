// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The header of an npy file: element type, order, shape.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/tensor_info.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// What the header of an npy file says.
struct npy_description {
  std::string type = {};  // as written: byte order, kind, size
  bool fortran_order = false;
  std::vector<index_t> shape = {};
};

/// Reads the header, a Python dictionary of 'descr', 'fortran_order', 'shape'.
class npy_header_parser {
 public:
  npy_header_parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  [[nodiscard]] npy_description parse() {
    expect('{');
    while (!accept('}')) {
      const std::string key = read_text();
      expect(':');
      read_value(key);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (position_ != text_.size()) fail("the end of the header");
    if (seen_ != 7) fail("'descr', 'fortran_order' and 'shape'");
    return std::move(description_);
  }

 private:
  void read_value(const std::string& key) {
    const unsigned bit = key == "descr" ? 1 : key == "fortran_order" ? 2 : key == "shape" ? 4 : 0;
    if (bit == 0 || (seen_ & bit) != 0) fail("'descr', 'fortran_order' and 'shape', once each");
    seen_ |= bit;
    if (bit == 1) read_type();
    if (bit == 2) description_.fortran_order = read_boolean();
    if (bit == 4) read_shape();
  }

  void read_type() {
    skip_spaces();
    if (position_ < text_.size() && text_[position_] == '[') {
      throw error(error_kind::unsupported, 247, "arrays of structures are not read",
                  {.where = where_, .expected = "an array of numbers or texts"});
    }
    description_.type = read_text();
  }

  [[nodiscard]] bool read_boolean() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(position_, word.size()) == word) {
        position_ += word.size();
        return word == "True";
      }
    }
    fail("True or False");
  }

  void read_shape() {
    expect('(');
    while (!accept(')')) {
      description_.shape.push_back(read_size());
      if (description_.shape.size() > 64) fail("at most 64 axes");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  [[nodiscard]] index_t read_size() {
    skip_spaces();
    const std::size_t first = position_;
    index_t size = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      if (__builtin_mul_overflow(size, 10, &size) ||
          __builtin_add_overflow(size, text_[position_] - '0', &size)) {
        throw error(error_kind::format, 249, "the shape of an npy array does not fit 63 bits",
                    {.where = where_});
      }
      ++position_;
    }
    if (position_ == first) fail("a size");
    if (position_ < text_.size() && text_[position_] == 'L') ++position_;  // written by Python 2
    return size;
  }

  [[nodiscard]] std::string read_text() {
    skip_spaces();
    const char quote = position_ < text_.size() ? text_[position_] : '\0';
    if (quote != '\'' && quote != '"') fail("a quoted text");
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) fail("the end of a quoted text");
    std::string read(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return read;
  }

  void skip_spaces() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n')) ++position_;
  }
  [[nodiscard]] bool accept(char letter) {
    skip_spaces();
    if (position_ >= text_.size() || text_[position_] != letter) return false;
    ++position_;
    return true;
  }
  void expect(char letter) {
    if (!accept(letter)) fail(std::string("'") + letter + "'");
  }
  [[noreturn]] void fail(const std::string& expected) const {
    throw error(error_kind::format, 246, "the header of an npy array is malformed",
                {.where = where_ + ", header character " + std::to_string(position_),
                 .expected = expected,
                 .found = "'" + std::string(text_.substr(std::min(position_, text_.size()), 20)) + "'"});
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t position_ = 0;
  unsigned seen_ = 0;
  npy_description description_;
};

/// Element type of an npy array: a number, or text of `width` bytes per element.
struct npy_type {
  dtype number = dtype::f32;
  bool text = false;
  bool unicode = false;
  bool big_endian = false;
  index_t width = 4;  // bytes per element
};

[[nodiscard]] inline std::optional<dtype> npy_number_type(std::string_view kind_and_size) {
  constexpr std::pair<std::string_view, dtype> types[] = {
      {"f8", dtype::f64}, {"f4", dtype::f32}, {"f2", dtype::f16}, {"i8", dtype::i64},
      {"i4", dtype::i32}, {"i2", dtype::i16}, {"i1", dtype::i8},  {"u8", dtype::u64},
      {"u4", dtype::u32}, {"u2", dtype::u16}, {"u1", dtype::u8},  {"b1", dtype::boolean}};
  for (const auto& [name, type] : types) {
    if (name == kind_and_size) return type;
  }
  return std::nullopt;
}

/// Number after the kind letter of a text type; nothing when it is no number or above 2^20.
[[nodiscard]] inline std::optional<index_t> npy_text_length(std::string_view digits) {
  if (digits.empty() || digits.size() > 7) return std::nullopt;
  index_t length = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    length = length * 10 + (digit - '0');
  }
  if (length < 1 || length > (index_t{1} << 20)) return std::nullopt;
  return length;
}

[[nodiscard]] inline npy_type parse_npy_type(const std::string& text, const std::string& where) {
  const bool ordered = !text.empty() && std::string_view("<>|=").find(text[0]) != std::string_view::npos;
  const std::string_view rest = std::string_view(text).substr(ordered ? 1 : 0);
  npy_type type;
  type.big_endian = ordered && text[0] == '>';
  if (const auto number = npy_number_type(rest)) {
    type.number = *number;
    type.width = size_of(*number);
    return type;
  }
  type.text = !rest.empty() && (rest[0] == 'U' || rest[0] == 'S');
  const auto length = type.text ? npy_text_length(rest.substr(1)) : std::nullopt;
  if (!length) {
    throw error(error_kind::unsupported, 247, "an element type of an npy array is not read",
                {.where = where,
                 .expected = "bool, i1 to i8, u1 to u8, f2, f4, f8, U or S texts",
                 .found = "'" + text.substr(0, 40) + "'"});
  }
  type.unicode = rest[0] == 'U';
  type.width = *length * (type.unicode ? 4 : 1);
  return type;
}

/// Length of preamble and header; sets `header` to the header's text.
[[nodiscard]] inline std::size_t split_npy(std::span<const std::byte> bytes, const std::string& where,
                                           std::string_view& header) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with("\x93NUMPY") || text.size() < 10) {
    throw error(error_kind::format, 245, "not an npy array, or cut",
                {.where = where, .expected = "\\x93NUMPY, version, header length"});
  }
  const int version = text[6];
  if (version < 1 || version > 3 || text[7] != 0) {
    throw error(error_kind::format, 245, "an npy version that is not known",
                {.where = where, .expected = "1.0, 2.0 or 3.0", .found = std::to_string(version)});
  }
  const std::size_t width = version == 1 ? 2 : 4;
  const std::size_t start = 8 + width;
  std::size_t length = 0;
  for (std::size_t i = std::min(start, text.size()); i-- > 8;) {
    length = length << 8 | static_cast<unsigned char>(text[i]);
  }
  if (start > text.size() || length > text.size() - start || length > (std::size_t{1} << 20)) {
    throw error(error_kind::format, 245, "the header of an npy array is cut or longer than its file",
                {.where = where,
                 .expected = "at most " + std::to_string(text.size()) + " and 2^20 bytes",
                 .found = std::to_string(length)});
  }
  header = text.substr(start, length);
  return start + length;
}

/// Column-major strides of a shape whose size has been checked.
[[nodiscard]] inline std::vector<index_t> fortran_strides(const std::vector<index_t>& shape) {
  std::vector<index_t> strides;
  index_t stride = 1;
  for (const index_t extent : shape) {
    strides.push_back(stride);
    stride *= extent;
  }
  return strides;
}

/// Bytes of the elements. \throws error [dnalm.format.249] when they do not fit 63 bits.
[[nodiscard]] inline index_t npy_content_bytes(const npy_description& description, index_t width,
                                               const std::string& where) {
  index_t bytes = width;
  bool overflow = false;
  for (const index_t extent : description.shape) overflow |= __builtin_mul_overflow(bytes, extent, &bytes);
  if (!overflow) return bytes;
  throw error(error_kind::format, 249, "the shape of an npy array does not fit 63 bits",
              {.where = where, .found = shape_text(description.shape)});
}

/// \throws error [dnalm.format.248] when the elements take another number of bytes than are there.
inline void check_npy_content(index_t expected, index_t found, const npy_description& description,
                              const std::string& where) {
  if (expected == found) return;
  throw error(error_kind::format, 248, "an npy array is shorter or longer than its shape says",
              {.where = where,
               .expected = std::to_string(expected) + " bytes for shape " + shape_text(description.shape),
               .found = std::to_string(found)});
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
