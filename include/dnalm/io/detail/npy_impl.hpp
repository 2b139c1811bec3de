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
#include <dnalm/io/detail/gather_elements.hpp>
#include <dnalm/io/detail/npy_header.hpp>
#include <dnalm/io/mapped_file.hpp>
#include <dnalm/io/npy.hpp>
#include <dnalm/io/stored_tensor.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Elements of `width` bytes in row-major order.
[[nodiscard]] inline std::vector<std::byte> row_major(std::span<const std::byte> bytes,
                                                      const npy_description& description, index_t width) {
  if (!description.fortran_order || description.shape.size() < 2) return {bytes.begin(), bytes.end()};
  stored_tensor tensor;
  tensor.info.shape = description.shape;
  tensor.strides = fortran_strides(description.shape);
  tensor.bytes = bytes;
  std::vector<std::byte> ordered(bytes.size());
  gather_elements(tensor, static_cast<std::size_t>(width), ordered.data());
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
  const index_t expected = detail::npy_content_bytes(description, type.width, where);
  detail::check_npy_content(expected, static_cast<index_t>(content.size()), description, where);
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
