// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of npy.hpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>

#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/detail/array_size.hpp>
#include <dnalm/io/detail/strided.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/npy.hpp>
#include <dnalm/io/stored_tensor.hpp>

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

/// Elements of `width` bytes in row-major order.
[[nodiscard]] inline std::vector<std::byte> row_major(std::span<const std::byte> bytes,
                                                      const npy_description& description, index_t width) {
  if (!description.fortran_order || description.shape.size() < 2) return {bytes.begin(), bytes.end()};
  stored_tensor tensor{.info = {.shape = description.shape}};
  index_t stride = 1;
  for (const index_t extent : description.shape) {
    tensor.strides.push_back(stride);
    stride *= extent;
  }
  std::vector<std::byte> ordered(bytes.size());
  std::byte* out = ordered.data();
  visit_rows(tensor, [&](index_t first, index_t length, index_t step) {
    for (index_t i = 0; i < length; ++i, out += width) {
      std::memcpy(out, bytes.data() + (first + i * step) * width, static_cast<std::size_t>(width));
    }
    return true;
  });
  return ordered;
}

inline void swap_bytes(std::span<std::byte> bytes, std::size_t unit) {
  for (std::size_t i = 0; i + unit <= bytes.size(); i += unit) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + unit));
  }
}

/// Appends a code point in UTF-8; false for a surrogate or a number beyond Unicode.
[[nodiscard]] inline bool append_utf8(std::string& text, std::uint32_t point) {
  if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) return false;
  const auto tail = [&](int shift) { text += static_cast<char>(0x80U | ((point >> shift) & 0x3FU)); };
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xC0U | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    text += static_cast<char>(0xE0U | (point >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0U | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
  return true;
}

/// Code points of a UTF-8 text; nothing when it is not UTF-8 (overlong forms and surrogates included).
[[nodiscard]] inline std::optional<std::u32string> utf8_points(std::string_view text) {
  std::u32string points;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    const int tails = lead < 0x80         ? 0
                      : (lead >> 5) == 6  ? 1
                      : (lead >> 4) == 14 ? 2
                      : (lead >> 3) == 30 ? 3
                                          : -1;
    if (tails < 0) return std::nullopt;
    std::uint32_t point = tails == 0 ? lead : lead & (0x3FU >> tails);
    for (int k = 0; k < tails; ++k, ++i) {
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) >> 6) != 2) return std::nullopt;
      point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    constexpr std::uint32_t least[] = {0, 0x80, 0x800, 0x10000};
    std::string unused;
    if (point < least[tails] || !append_utf8(unused, point)) return std::nullopt;
    points += static_cast<char32_t>(point);
  }
  return points;
}

[[noreturn]] inline void throw_bad_text(const std::string& where, index_t index) {
  throw error(error_kind::format, 253, "a text of an npy array is not valid Unicode",
              {.where = where + ", element " + std::to_string(index)});
}

/// One element of a text array: fixed width, filled up with zeros.
[[nodiscard]] inline std::string read_npy_text(std::span<const std::byte> bytes, bool unicode,
                                               const std::string& where, index_t index) {
  std::string text;
  if (!unicode) {
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!utf8_points(text)) throw_bad_text(where, index);
    text.resize(text.find_last_not_of('\0') + 1);
    return text;
  }
  std::size_t used = bytes.size() / 4;
  while (used > 0 && dnalm::detail::load_unaligned<std::uint32_t>(bytes.data() + 4 * (used - 1)) == 0) --used;
  for (std::size_t i = 0; i < used; ++i) {
    if (!append_utf8(text, dnalm::detail::load_unaligned<std::uint32_t>(bytes.data() + 4 * i)))
      throw_bad_text(where, index);
  }
  return text;
}

inline void read_npy_texts(npy_array& array, const npy_type& type, const std::string& where) {
  array.is_text = true;
  const auto width = static_cast<std::size_t>(type.width);
  const std::span<const std::byte> bytes(array.data);
  for (std::size_t at = 0; at < bytes.size(); at += width) {
    array.strings.push_back(read_npy_text(bytes.subspan(at, width), type.unicode, where,
                                          static_cast<index_t>(array.strings.size())));
  }
  array.data = {};
}

DNALM_INLINE void throw_no_value(const npy_array& array, index_t index) {
  if (index < 0) {
    throw error(
        error_kind::format, 250, "an npy array holds other elements than those asked for",
        {.expected = array.is_text ? "numbers" : "texts", .found = array.is_text ? "texts" : "numbers"});
  }
  throw error(error_kind::format, 250, "a number of an npy array does not fit the integer type asked for",
              {.where = "element " + std::to_string(index),
               .found = std::to_string(
                   read_element<double>(array.type, array.data.data() + index * size_of(array.type)))});
}

}  // namespace detail

DNALM_INLINE const std::vector<std::string>& npy_array::texts() const {
  if (!is_text) detail::throw_no_value(*this, -1);
  return strings;
}

DNALM_INLINE npy_array parse_npy(std::span<const std::byte> bytes, const std::string& where) {
  std::string_view header;
  const auto content = bytes.subspan(detail::split_npy(bytes, where, header));
  const auto description = detail::npy_header_parser(header, where).parse();
  const auto type = detail::parse_npy_type(description.type, where);
  index_t expected = type.width;
  bool overflow = false;
  for (const index_t extent : description.shape)
    overflow |= __builtin_mul_overflow(expected, extent, &expected);
  if (overflow) {
    throw error(error_kind::format, 249, "the shape of an npy array does not fit 63 bits",
                {.where = where, .found = shape_text(description.shape)});
  }
  if (static_cast<index_t>(content.size()) != expected) {
    throw error(error_kind::format, 248, "an npy array is shorter or longer than its shape says",
                {.where = where,
                 .expected = std::to_string(expected) + " bytes for shape " + shape_text(description.shape),
                 .found = std::to_string(content.size())});
  }
  npy_array array{.type = type.number, .shape = description.shape};
  array.data = detail::row_major(content, description, type.width);
  if (type.big_endian && (!type.text || type.unicode)) {
    detail::swap_bytes(array.data, static_cast<std::size_t>(type.text ? 4 : type.width));
  }
  if (type.text) detail::read_npy_texts(array, type, where);
  return array;
}

DNALM_INLINE npy_array read_npy(const std::filesystem::path& path) {
  const mapped_file file(path);
  return parse_npy(file.bytes(), path.string());
}

namespace detail {

/// Preamble and header of version 1.0, filled up to a multiple of 64. At most 64 axes fit its 65535 bytes.
[[nodiscard]] inline std::string npy_preamble(const std::string& type, const std::vector<index_t>& shape) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    header += std::to_string(shape[axis]);
    if (axis + 1 < shape.size()) header += ", ";
    if (shape.size() == 1) header += ",";
  }
  header += "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string preamble("\x93NUMPY\x01\x00", 8);
  preamble += static_cast<char>(header.size() & 0xFFU);
  preamble += static_cast<char>(header.size() >> 8);
  return preamble + header;
}

}  // namespace detail

DNALM_INLINE std::string npy_header(dtype type, const std::vector<index_t>& shape) {
  const char* name = nullptr;
  switch (type) {
    case dtype::f64: name = "<f8"; break;
    case dtype::f32: name = "<f4"; break;
    case dtype::f16: name = "<f2"; break;
    case dtype::i64: name = "<i8"; break;
    case dtype::i32: name = "<i4"; break;
    case dtype::i16: name = "<i2"; break;
    case dtype::i8: name = "|i1"; break;
    case dtype::u64: name = "<u8"; break;
    case dtype::u32: name = "<u4"; break;
    case dtype::u16: name = "<u2"; break;
    case dtype::u8: name = "|u1"; break;
    case dtype::boolean: name = "|b1"; break;
    default: break;
  }
  if (name == nullptr || shape.size() > 64) {
    throw error(error_kind::unsupported, 247, "NumPy has no such array",
                {.expected = "a type of NumPy and at most 64 axes", .found = std::string(to_string(type))});
  }
  return detail::npy_preamble(name, shape);
}

DNALM_INLINE std::string npy_text_header(index_t letters, const std::vector<index_t>& shape) {
  return detail::npy_preamble("<U" + std::to_string(std::max<index_t>(letters, 1)), shape);
}

DNALM_INLINE std::vector<std::byte> npy_from_strings(std::span<const std::string> texts) {
  std::vector<std::u32string> decoded;
  std::size_t longest = 1;
  for (const std::string& text : texts) {
    auto points = detail::utf8_points(text);
    // Zeros at the end could not be told from the filling.
    const bool ends_in_zero = points && !points->empty() && points->back() == 0;
    if (!points || ends_in_zero)
      detail::throw_bad_text("text to be written", static_cast<index_t>(decoded.size()));
    longest = std::max(longest, points->size());
    decoded.push_back(std::move(*points));
  }
  const auto count = static_cast<index_t>(texts.size());
  const std::string header = npy_text_header(static_cast<index_t>(longest), {count});
  const index_t body = checked_mul(checked_mul(static_cast<index_t>(longest), 4), count);
  std::vector<std::byte> bytes(header.size() + static_cast<std::size_t>(body));
  std::memcpy(bytes.data(), header.data(), header.size());
  std::byte* out = bytes.data() + header.size();
  for (const std::u32string& points : decoded) {
    if (!points.empty()) std::memcpy(out, points.data(), 4 * points.size());
    out += 4 * longest;
  }
  return bytes;
}

DNALM_INLINE void write_npy(const std::filesystem::path& path, dtype type, const std::vector<index_t>& shape,
                            std::span<const std::byte> bytes) {
  detail::check_array_size(path.string(), type, shape, bytes.size());
  const std::string header = npy_header(type, shape);
  atomic_file file(path);
  file.write(header);
  file.write(bytes);
  file.commit();
}

}  // namespace io
DNALM_END_NAMESPACE
