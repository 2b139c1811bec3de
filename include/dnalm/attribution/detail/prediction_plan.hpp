// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which tokens of a sequence are masked in a pass, and which row of logits tells which letters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <dnalm/attribution/nucleotide_vocabulary.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/embed/detail/sequence_windows.hpp>
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
  windowed_tokens text = {};
  std::vector<token_reading> readings = {};
  index_t ends = 0;  ///< tokens at each end that have no row of logits
};

/// Logits have no rows for so many tokens at each end: those are not read, and rows count from behind them.
inline void leave_out_ends(planned_prediction& plan, index_t ends) {
  if (ends == 0) return;
  plan.ends = ends;
  const index_t last = plan.text.tokens.size() - ends;
  std::erase_if(plan.readings, [&](const token_reading& of) { return of.row < ends || of.row >= last; });
  for (token_reading& reading : plan.readings) reading.row -= ends;
}

/// A pass: the readings [first, first + count) of a sequence, with their tokens masked or not. It runs the
/// tokens [begin, end), between the framing ones of the sequence.
struct prediction_pass {
  index_t sequence = 0;
  index_t first = 0;
  index_t count = 0;
  index_t begin = 0;
  index_t end = 0;

  /// Where a token of the sequence, or the one before the first of the pass, stands in the pass.
  [[nodiscard]] index_t place(index_t token, const windowed_tokens& text) const {
    return token - begin + text.prefix;
  }
  [[nodiscard]] index_t tokens(const windowed_tokens& text) const { return end - begin + text.frame(); }
};

/// The passes of a sequence: of each window those of the readings whose tokens belong to it, one alone or all
/// together.
[[nodiscard]] inline std::vector<prediction_pass> passes_of(index_t sequence, const planned_prediction& plan,
                                                            bool alone) {
  const windowed_tokens& text = plan.text;
  const index_t inner = text.tokens.size() - text.frame();
  std::vector<token_window> windows = text.windows;
  if (windows.empty()) windows.push_back({0, inner, 0, inner});
  std::vector<prediction_pass> passes;
  const auto count = static_cast<index_t>(plan.readings.size());
  index_t next = 0;
  for (const token_window& window : windows) {
    const index_t first = next;
    const bool last = window.keep_end == inner;
    while (next < count) {
      const index_t token = plan.readings[static_cast<std::size_t>(next)].token;
      if (!last && token >= text.prefix + window.keep_end) break;
      ++next;
    }
    const index_t begin = text.prefix + window.begin;
    const index_t end = text.prefix + window.end;
    if (alone) {
      for (index_t i = first; i < next; ++i) passes.push_back({sequence, i, 1, begin, end});
    } else if (next > first) {
      passes.push_back({sequence, first, next - first, begin, end});
    }
  }
  return passes;
}

}  // namespace detail
DNALM_END_NAMESPACE
