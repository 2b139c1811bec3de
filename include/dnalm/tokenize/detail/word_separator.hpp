// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief White space as the reference implementation splits words.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/sequence/utf8.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The Unicode property White_Space and the separators 0x1C to 0x1F.
[[nodiscard]] inline bool is_word_separator(std::uint32_t code) {
  return is_unicode_space(code) || (code >= 0x1C && code <= 0x1F);
}

}  // namespace detail
DNALM_END_NAMESPACE
