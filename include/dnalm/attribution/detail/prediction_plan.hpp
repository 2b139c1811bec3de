// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which tokens of a sequence are masked in a pass, and which row of logits tells which letters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_vocabulary.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// One row of logits: it tells letters [from, from + letters) of token `token`, which stand at the bases from
/// `base` on; tokens [mask_begin, mask_end) are masked in its pass.
struct token_reading {
  index_t token = 0;
  index_t row = 0;
  index_t from = 0;
  index_t letters = 0;
  index_t base = 0;
  index_t mask_begin = 0;
  index_t mask_end = 0;
};

[[nodiscard]] inline bool tokens_overlap(const token_sequence& tokens) {
  for (std::size_t t = 1; t < tokens.ids.size(); ++t) {
    if (tokens.begin[t] < tokens.end[t - 1] && tokens.begin[t] < tokens.end[t]) return true;
  }
  return false;
}

/// A reading of all letters of each token of DNA.
[[nodiscard]] inline std::vector<token_reading> token_readings(const token_sequence& tokens,
                                                               const nucleotide_vocabulary& vocabulary,
                                                               bool left) {
  std::vector<token_reading> readings;
  for (index_t t = left ? 1 : 0; t < tokens.size(); ++t) {
    const auto at = static_cast<std::size_t>(t);
    const index_t letters = tokens.end[at] - tokens.begin[at];
    if (letters == 0 || vocabulary.letters(tokens.ids[at]) != letters) continue;
    readings.push_back({t, left ? t - 1 : t, 0, letters, tokens.begin[at], t, t + 1});
  }
  return readings;
}

/// A reading of each base that overlapping k-mers hold: of the one of DNA nearest to the middle of them, of
/// two the first.
[[nodiscard]] inline std::vector<token_reading> base_readings(const token_sequence& tokens,
                                                              const nucleotide_vocabulary& vocabulary,
                                                              index_t bases) {
  std::vector<token_reading> readings;
  index_t first = 0;
  for (index_t base = 0; base < bases; ++base) {
    const auto begin = [&](index_t t) { return tokens.begin[static_cast<std::size_t>(t)]; };
    const auto end = [&](index_t t) { return tokens.end[static_cast<std::size_t>(t)]; };
    while (first < tokens.size() && end(first) <= base) ++first;
    index_t last = first;
    while (last < tokens.size() && begin(last) <= base && base < end(last)) ++last;
    index_t best = -1;
    for (index_t t = first; t < last; ++t) {
      const bool dna = vocabulary.letters(tokens.ids[static_cast<std::size_t>(t)]) == end(t) - begin(t);
      const auto gap = [&](index_t of) { return std::abs(2 * of - (first + last - 1)); };
      if (dna && (best < 0 || gap(t) < gap(best))) best = t;
    }
    if (best >= 0) readings.push_back({best, best, base - begin(best), 1, base, first, last});
  }
  return readings;
}

/// A sequence as it is read.
struct planned_prediction {
  token_sequence tokens = {};
  std::vector<token_reading> readings = {};
};

/// A pass: the readings [first, first + count) of a sequence, with their tokens masked or not.
struct prediction_pass {
  index_t sequence = 0;
  index_t first = 0;
  index_t count = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
