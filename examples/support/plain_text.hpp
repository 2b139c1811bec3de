// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Names of a file on a terminal.
#pragma once

#include <string>

namespace program {

/// Text for a terminal: a file's names may hold control characters (escape sequences), which become `?`.
[[nodiscard]] inline std::string plain(std::string text) {
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) letter = '?';
  }
  return text;
}

}  // namespace program
