// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/text.hpp.
#pragma once

#include <cmath>
#include <cstdio>

#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

DNALM_INLINE std::string rounded_text(double value, int digits) {
  if (std::isnan(value)) return "\u2013";
  if (std::isinf(value)) return value > 0 ? "\u221e" : "\u2212\u221e";
  char text[400];
  const int length = std::snprintf(text, sizeof text, "%.*f", digits, value);
  std::string number(text, static_cast<std::size_t>(length));
  if (number.find_first_of("123456789") == std::string::npos && number[0] == '-') number.erase(0, 1);
  if (number[0] == '-') number.replace(0, 1, "\u2212");
  return number;
}

DNALM_INLINE std::string grouped_text(index_t value) {
  std::string digits = std::to_string(value);
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

namespace detail {

/// Bytes of the UTF-8 character at the start of `text`, 0 when it is not one (overlong forms, surrogates and
/// numbers beyond U+10FFFF are not).
DNALM_INLINE std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(text[i])); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = byte(1);
  const bool illegal = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                       (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return illegal ? 0 : length;
}

}  // namespace detail

DNALM_INLINE std::string escape_markup(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = detail::utf8_length(text);
    const char letter = text[0];
    if (length == 0 || (length == 1 && static_cast<unsigned char>(letter) < 0x20 && letter != '\n') ||
        letter == 0x7f) {
      safe.append("\ufffd");
    } else if (letter == '&') {
      safe.append("&amp;");
    } else if (letter == '<') {
      safe.append("&lt;");
    } else if (letter == '>') {
      safe.append("&gt;");
    } else if (letter == '"') {
      safe.append("&quot;");
    } else if (letter == '\'') {
      safe.append("&#39;");
    } else {
      safe.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return safe;
}

DNALM_INLINE std::string file_name_text(std::string_view text) {
  std::string name;
  for (const char letter : text.substr(0, 120)) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '.' || letter == '_' || letter == '-';
    name.push_back(plain ? letter : '_');
  }
  if (name.empty()) return "_";
  if (name[0] == '.') name[0] = '_';
  return name;
}

}  // namespace report
DNALM_END_NAMESPACE
