// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Names of a file on a terminal, and numbers as text.
#pragma once

#include <cmath>
#include <cstdio>
#include <string>

namespace program {

/// Text for a terminal: a file's names may hold control characters (escape sequences), which become `?`.
[[nodiscard]] inline std::string plain(std::string text) {
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
  }
  return text;
}

/// Six digits; `nan` where there is no number.
[[nodiscard]] inline std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// Three digits, for people.
[[nodiscard]] inline std::string short_text(double value) {
  if (std::isnan(value)) return "-";
  char text[40];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace program
