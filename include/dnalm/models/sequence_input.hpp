// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How a network of layers reads a sequence: the channels of letters, of N, of what lies beyond the
/// ends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Where a sequence lies that is shorter than the network's fixed length.
enum class short_sequence {
  refused,  ///< such a sequence is an error
  centred,  ///< as many rows before as behind it, one more behind it where that is impossible
  first,    ///< all missing rows behind it
  last      ///< all missing rows before it
};

[[nodiscard]] constexpr std::string_view to_string(short_sequence rule) {
  switch (rule) {
    case short_sequence::refused: return "refused";
    case short_sequence::centred: return "centred";
    case short_sequence::first: return "first";
    case short_sequence::last: return "last";
  }
  return "?";
}

/// Tokens are A 0, C 1, G 2, T 3, N 4. A letter is a row with a 1 in its channel.
struct sequence_input {
  /// The letters A, C, G, T in the order of their channels; channels behind them are 0 everywhere.
  std::string letters = "ACGT";
  index_t channels = 4;
  double unknown = 0.0;     ///< what N has in the channels of letters: 0 or 0.25
  char unknown_letter = 0;  ///< the letter that N is read as, in place of `unknown`; 'N': a letter of its
                            ///< own, whose channel is the first behind the others; 0: none
  double missing = 0.0;     ///< what rows beyond the ends of a sequence have in the channels of letters
  index_t length = 0;       ///< rows of the input; 0: any number
  short_sequence shorter = short_sequence::refused;  ///< with a fixed length
  index_t before = 0;  ///< rows beyond the ends that are put before any sequence; without a fixed length
  index_t after = 0;   ///< and behind it

  /// Rows of the network's first value for a sequence of `tokens`.
  [[nodiscard]] index_t rows(index_t tokens) const {
    return length > 0 ? length : checked_add(tokens, checked_add(before, after));
  }
  /// The (5, channels) table of the tokens' rows.
  template <class T>
  [[nodiscard]] std::vector<T> table() const {
    std::vector<T> rows(static_cast<std::size_t>(5 * channels));
    for (std::size_t letter = 0; letter < 4; ++letter) {
      rows[letter * static_cast<std::size_t>(channels) + letters.find("ACGT"[letter])] = T(1);
    }
    if (unknown_letter != 0) {
      const std::size_t channel = unknown_letter == 'N' ? 4 : letters.find(unknown_letter);
      rows[4 * static_cast<std::size_t>(channels) + channel] = T(1);
      return rows;
    }
    for (std::size_t c = 0; c < 4; ++c) {
      rows[4 * static_cast<std::size_t>(channels) + c] = static_cast<T>(unknown);
    }
    return rows;
  }
  /// The row beyond the ends.
  template <class T>
  [[nodiscard]] std::vector<T> missing_row() const {
    std::vector<T> row(static_cast<std::size_t>(channels));
    for (std::size_t c = 0; c < 4; ++c) row[c] = static_cast<T>(missing);
    return row;
  }
};

DNALM_END_NAMESPACE
