// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Words that several readers share.
#pragma once

#include <string>
#include <string_view>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// At most `limit` bytes of a text for a message; what is not ASCII is shown as `?`.
[[nodiscard]] inline std::string excerpt(std::string_view text, std::size_t limit = 60) {
  std::string shown(text.substr(0, limit));
  for (char& letter : shown) {
    if (static_cast<unsigned char>(letter) >= 0x7f) letter = '?';
  }
  return text.size() > limit ? shown + "..." : shown;
}

/// \throws error [dnalm.format.286].
[[noreturn]] inline void throw_no_tensor(std::string_view name, const std::string& file) {
  throw error(error_kind::format, 286, "there is no such tensor",
              {.where = file, .expected = "tensor '" + std::string(name) + "'"});
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
