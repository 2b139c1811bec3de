// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sites of a motif in sequences: log-odds scores on both strands with exact p-values.
///
/// Source of the p-values: Staden, "Methods for calculating the probabilities of finding patterns in
/// sequences", CABIOS 5, 1989; Touzet and Varre, "Efficient and accurate P-value computation for position
/// weight matrices", Algorithms for Molecular Biology 2, 2007.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/motif_file.hpp>

DNALM_BEGIN_NAMESPACE

/// How counts become scores.
struct motif_score_options {
  std::array<double, 4> background = {0.25, 0.25, 0.25, 0.25};  ///< of A, C, G, T; scaled to a sum of 1
  double pseudocount = 0.1;  ///< added to each column, shared out as the background
  /// Scores whose p-value is larger are not told apart, and none is kept of them. What a scan asks for is
  /// enough, and saves most of the memory.
  double largest_p_value = 1;
};

/// Scores and p-values of one strand of a motif.
///
/// The score of letter a in column i is log2((c_ia + s b_a) / (n_i + s) / b_a), in bits, for counts c, their
/// sum n, pseudocount s and background b, rounded to a multiple of `unit`. Sums of rounded scores and their
/// distribution under independent letters of the background are exact up to the rounding of doubles.
/// Memory: 8 bytes for each step from the threshold of `largest_p_value` to the highest score; of 1 that is
/// the whole range, at most 2 MiB.
class motif_strand {
 public:
  motif_strand(const std::vector<double>& scores, const std::array<double, 4>& background, double unit,
               double largest_p_value = 1);

  /// The score of `width` letters from `codes` (0..3), in units.
  [[nodiscard]] std::int32_t units_of(const std::uint8_t* codes) const;
  /// P(score >= units) for letters of the background; 0 above every score, 1 where it is larger than
  /// `largest_p_value`.
  [[nodiscard]] double p_value(std::int32_t units) const;
  /// The lowest score, in units, with a p-value of at most `p`; one above the highest when there is none.
  /// \throws error [dnalm.usage.877] for a `p` above `largest_p_value`.
  [[nodiscard]] std::int32_t threshold(double p) const;

 private:
  std::vector<std::int32_t> units_;  // (width, 4)
  std::int32_t lowest_ = 0;          // with a p-value that is kept
  double largest_ = 1;               // p-value
  std::vector<double> tail_;         // P(score >= lowest + i)
};

/// A motif with its scores on both strands.
///
/// Memory: that of two strands. JASPAR's CTCF (15 columns): 1.7 MiB with all p-values, 0.22 MiB with those up
/// to 1e-4.
class motif_scorer {
 public:
  /// \throws error [dnalm.input.875] for a motif without columns, with more than 1,000, or with counts that
  /// are negative, not finite or 0 in a whole column; error [dnalm.usage.876] for a background or pseudocount
  /// that is not positive, [dnalm.usage.877] for a largest p-value outside (0, 1]. Cost: O(width range /
  /// unit), a few milliseconds for a usual motif.
  explicit motif_scorer(const io::motif& motif, const motif_score_options& options = {});

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] index_t width() const { return width_; }
  /// The grid of the scores in bits: 2^-10, doubled until the range of scores has at most 2^18 steps.
  [[nodiscard]] double unit() const { return unit_; }
  [[nodiscard]] const motif_strand& forward() const { return strands_[0]; }
  /// The largest p-value that is told.
  [[nodiscard]] double largest_p_value() const { return largest_; }
  /// The motif as it reads on the other strand.
  [[nodiscard]] const motif_strand& reverse() const { return strands_[1]; }

 private:
  std::string name_;
  index_t width_ = 0;
  double unit_ = 0;
  double largest_ = 1;
  std::vector<motif_strand> strands_;
};

/// One site.
struct motif_hit {
  index_t motif = 0;     ///< which of the motifs
  index_t start = 0;     ///< first base, from 0, on the forward strand
  bool reverse = false;  ///< the motif reads on the reverse strand
  double score = 0;      ///< in bits
  double p_value = 1;    ///< of this score at one place of one strand
};

/// All sites with a p-value of at most `p_value`, sorted by start, motif and strand.
///
/// Places with N or any letter other than A, C, G, T (either case) hold no site.
/// \throws error [dnalm.usage.877] for a p-value outside (0, 1] or above a motif's largest. Cost: O(length
/// width) for each motif.
[[nodiscard]] std::vector<motif_hit> find_motifs(std::span<const motif_scorer> motifs,
                                                 std::string_view sequence, double p_value = 1e-4,
                                                 bool both_strands = true);

/// The site with the smallest p-value (the first of equal ones); nothing where every place holds an N, has a
/// p-value above the motif's largest, or the sequence is shorter than the motif.
[[nodiscard]] std::optional<motif_hit> best_motif_site(const motif_scorer& motif, std::string_view sequence,
                                                       bool both_strands = true);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/motif_scan_impl.hpp>
#endif
