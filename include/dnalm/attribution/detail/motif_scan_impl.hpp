// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/motif_scan.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.usage.876].
[[nodiscard]] inline std::array<double, 4> scaled_background(const motif_score_options& options) {
  std::array<double, 4> background = options.background;
  double sum = 0;
  bool right = std::isfinite(options.pseudocount) && options.pseudocount > 0;
  for (const double b : background) {
    right = right && std::isfinite(b) && b > 0;
    sum += b;
  }
  if (!right || !std::isfinite(sum)) {
    throw error(error_kind::usage, 876, "scores of a motif need a background and a pseudocount",
                {.expected = "four frequencies and a pseudocount, finite and above 0"});
  }
  for (double& b : background) b /= sum;
  return background;
}

/// \throws error [dnalm.usage.877] unless 0 < p <= `largest`.
inline void check_p_value(double p, double largest) {
  if (p > 0 && p <= largest) return;
  throw error(error_kind::usage, 877, "no p-value that can be told",
              {.expected = "a number above 0, at most 1 and the largest p-value of the motif's options"});
}

/// \throws error [dnalm.input.875].
inline void check_motif(const io::motif& motif) {
  const index_t width = motif.width();
  bool right = width >= 1 && width <= 1000 && motif.counts.size() % 4 == 0;
  for (std::size_t i = 0; right && i < motif.counts.size(); i += 4) {
    double sum = 0;
    for (std::size_t a = i; a < i + 4; ++a) {
      right = right && std::isfinite(motif.counts[a]) && motif.counts[a] >= 0;
      sum += motif.counts[a];
    }
    right = right && sum > 0 && std::isfinite(sum);
  }
  if (right) return;
  throw error(error_kind::input, 875, "a motif that cannot be scored",
              {.where = "motif \"" + motif.name + "\"",
               .expected = "1 to 1000 columns of counts from 0, with a sum above 0 in each",
               .found = std::to_string(width) + " columns"});
}

/// Log-odds in bits, (width, 4).
[[nodiscard]] inline std::vector<double> log_odds(const io::motif& motif,
                                                  const std::array<double, 4>& background,
                                                  double pseudocount) {
  std::vector<double> scores(motif.counts.size());
  for (std::size_t i = 0; i < scores.size(); i += 4) {
    double sum = pseudocount;
    for (std::size_t a = 0; a < 4; ++a) sum += motif.counts[i + a];
    for (std::size_t a = 0; a < 4; ++a) {
      const double frequency = (motif.counts[i + a] + pseudocount * background[a]) / sum;
      scores[i + a] = std::log2(frequency / background[a]);
      if (std::isfinite(scores[i + a])) continue;
      throw error(error_kind::usage, 876, "scores of a motif are not finite",
                  {.where = motif.name, .expected = "a background and a pseudocount that are not so small"});
    }
  }
  return scores;
}

/// 2^-10 bits, doubled until all sums of scores fit 2^18 steps.
[[nodiscard]] inline double score_unit(const std::vector<double>& scores) {
  double range = 0;
  for (std::size_t i = 0; i < scores.size(); i += 4) {
    const auto [low, high] = std::minmax_element(scores.begin() + static_cast<std::ptrdiff_t>(i),
                                                 scores.begin() + static_cast<std::ptrdiff_t>(i) + 4);
    range += *high - *low;
  }
  double unit = 0x1p-10;
  while (range / unit > 0x1p18) unit *= 2;
  return unit;
}

/// Letters as 0..3, others as 4 and more.
[[nodiscard]] inline std::vector<std::uint8_t> letter_codes(std::string_view sequence) {
  std::vector<std::uint8_t> codes(sequence.size());
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(base_code(sequence[i]));
  return codes;
}

/// Calls `take(start)` for every place of `width` letters that are all A, C, G or T.
template <class Take>
void for_each_place(const std::vector<std::uint8_t>& codes, index_t width, Take&& take) {
  index_t run = 0;
  for (index_t i = 0; i < static_cast<index_t>(codes.size()); ++i) {
    run = codes[static_cast<std::size_t>(i)] < 4 ? run + 1 : 0;
    if (run >= width) take(i + 1 - width);
  }
}

}  // namespace detail

DNALM_INLINE motif_strand::motif_strand(const std::vector<double>& scores,
                                        const std::array<double, 4>& background, double unit,
                                        double largest_p_value)
    : largest_(largest_p_value) {
  for (const double score : scores) units_.push_back(static_cast<std::int32_t>(std::lround(score / unit)));
  std::vector<double> mass{1};  // mass[s]: probability of the lowest score of the columns so far plus s
  for (std::size_t i = 0; i < units_.size(); i += 4) {
    const auto column = units_.begin() + static_cast<std::ptrdiff_t>(i);
    const auto [low, high] = std::minmax_element(column, column + 4);
    std::vector<double> longer(mass.size() + static_cast<std::size_t>(*high - *low), 0.0);
    for (std::size_t a = 0; a < 4; ++a) {
      const auto shift = static_cast<std::size_t>(units_[i + a] - *low);
      for (std::size_t s = 0; s < mass.size(); ++s) longer[s + shift] += background[a] * mass[s];
    }
    mass = std::move(longer);
    lowest_ += *low;
  }
  for (std::size_t s = mass.size() - 1; s > 0; --s) mass[s - 1] += mass[s];
  for (double& tail : mass) tail = std::min(tail, 1.0);
  mass.front() = 1;
  const auto kept = std::partition_point(mass.begin(), mass.end(), [&](double p) { return p > largest_; });
  lowest_ += static_cast<std::int32_t>(kept - mass.begin());
  tail_.assign(kept, mass.end());
}

DNALM_INLINE std::int32_t motif_strand::units_of(const std::uint8_t* codes) const {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < units_.size(); i += 4) sum += units_[i + codes[i / 4]];
  return sum;
}

DNALM_INLINE double motif_strand::p_value(std::int32_t units) const {
  if (units < lowest_) return 1;
  const auto place = static_cast<std::size_t>(units - lowest_);
  return place < tail_.size() ? tail_[place] : 0;
}

DNALM_INLINE std::int32_t motif_strand::threshold(double p) const {
  detail::check_p_value(p, largest_);
  const auto first = std::partition_point(tail_.begin(), tail_.end(), [&](double tail) { return tail > p; });
  return lowest_ + static_cast<std::int32_t>(first - tail_.begin());
}

DNALM_INLINE motif_scorer::motif_scorer(const io::motif& motif, const motif_score_options& options)
    : name_(motif.name), width_(motif.width()), largest_(options.largest_p_value) {
  detail::check_motif(motif);
  detail::check_p_value(largest_, 1);
  const auto background = detail::scaled_background(options);
  std::vector<double> scores = detail::log_odds(motif, background, options.pseudocount);
  unit_ = detail::score_unit(scores);
  strands_.emplace_back(scores, background, unit_, largest_);
  std::reverse(scores.begin(), scores.end());  // columns from the end, and A for T, C for G
  strands_.emplace_back(scores, background, unit_, largest_);
}

DNALM_INLINE std::vector<motif_hit> find_motifs(std::span<const motif_scorer> motifs,
                                                std::string_view sequence, double p_value,
                                                bool both_strands) {
  detail::check_p_value(p_value, 1);
  const auto codes = detail::letter_codes(sequence);
  std::vector<motif_hit> hits;
  for (std::size_t m = 0; m < motifs.size(); ++m) {
    for (const bool reverse : {false, true}) {
      if (reverse && !both_strands) continue;
      const motif_strand& strand = reverse ? motifs[m].reverse() : motifs[m].forward();
      const std::int32_t least = strand.threshold(p_value);
      detail::for_each_place(codes, motifs[m].width(), [&](index_t start) {
        const std::int32_t units = strand.units_of(codes.data() + start);
        if (units < least) return;
        hits.push_back(
            {static_cast<index_t>(m), start, reverse, units * motifs[m].unit(), strand.p_value(units)});
      });
    }
  }
  std::stable_sort(hits.begin(), hits.end(), [](const motif_hit& a, const motif_hit& b) {
    return a.start != b.start ? a.start < b.start : a.motif < b.motif;
  });
  return hits;
}

DNALM_INLINE std::optional<motif_hit> best_motif_site(const motif_scorer& motif, std::string_view sequence,
                                                      bool both_strands) {
  const auto codes = detail::letter_codes(sequence);
  std::optional<motif_hit> best;
  detail::for_each_place(codes, motif.width(), [&](index_t start) {
    for (const bool reverse : {false, true}) {
      if (reverse && !both_strands) continue;
      const motif_strand& strand = reverse ? motif.reverse() : motif.forward();
      const std::int32_t units = strand.units_of(codes.data() + start);
      const double p = strand.p_value(units);
      if (p > motif.largest_p_value()) continue;
      if (!best || p < best->p_value) best = motif_hit{0, start, reverse, units * motif.unit(), p};
    }
  });
  return best;
}

DNALM_END_NAMESPACE
