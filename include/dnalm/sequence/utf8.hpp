// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reading UTF-8 one code point at a time, without trusting it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// One code point and how many bytes it takes (at least 1).
struct utf8_character {
  std::uint32_t code = 0xFFFD;  ///< U+FFFD for a byte that begins no valid sequence
  std::size_t length = 1;       ///< 1 to 4; 1 for an invalid byte
  bool valid = false;
};

/// The code point that begins at `text[at]`; overlong forms, surrogates and codes above U+10FFFF are invalid.
/// Requires at < text.size(). Source: RFC 3629, section 4.
[[nodiscard]] inline utf8_character read_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t first = byte(at);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || length > text.size() - at) return {};
  std::uint32_t code = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return {};
    code = (code << 6) | (byte(at + i) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || (code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) return {};
  return {code, length, true};
}

/// Whether the whole text is valid UTF-8.
[[nodiscard]] inline bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const utf8_character character = read_utf8(text, at);
    if (!character.valid) return false;
    at += character.length;
  }
  return true;
}

/// Whether a code point has the Unicode property White_Space (what `\s` matches).
[[nodiscard]] inline bool is_unicode_space(std::uint32_t code) {
  if (code < 0x80) return code == ' ' || (code >= 9 && code <= 13);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

DNALM_END_NAMESPACE
