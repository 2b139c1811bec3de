// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The substitutions of one letter in a sequence, in their order.
#pragma once

#include <string>
#include <string_view>

#include <dnalm/attribution/substitution.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Calls `use(letter, sequence with it at `position`)` for the letters A, C, G, T that do not stand there.
template <class Use>
void for_substitutions(std::string_view sequence, index_t position, Use&& use) {
  const auto at = static_cast<std::size_t>(position);
  const int here = base_code(sequence[at]);
  for (int letter = 0; letter < 4; ++letter) {
    if (letter == here) continue;
    std::string edited(sequence);
    edited[at] = "ACGT"[letter];
    use(letter, std::move(edited));
  }
}

/// An edit in a message, `T at position 4` (from 1); nothing of the sequence as it is.
[[nodiscard]] inline std::string edit_words(const substitution& edit) {
  if (edit.letter < 0) return {};
  return std::string(1, "ACGT"[edit.letter]) + " at position " + std::to_string(edit.position + 1);
}

}  // namespace detail
DNALM_END_NAMESPACE
