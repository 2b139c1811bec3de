// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Global importance analysis: the effect of planted motifs on a function, averaged over backgrounds.
///
/// I(motif, p) = (1/N) sum_n [f(x_n with the motif at p) - f(x_n)].
/// Source: Koo, Majdandzic, Ploenzke, Anand, Paul, "Global importance analysis", PLoS Computational Biology
/// 17, 2021.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/motif_file.hpp>
#include <dnalm/metrics/paired_t.hpp>

DNALM_BEGIN_NAMESPACE

/// Backgrounds by shuffling: `count` of them in all, each of the sequences in turn (its shuffles have the
/// replicates 0, 1, ...), keeping the counts of k-lets. A sequence has the key hash_name(its letters), so the
/// order of the sequences does not matter for one sequence's shuffles; equal ones have shuffles of their own.
/// \throws error [dnalm.usage.880] without sequences or with a negative count; as sequence_shuffler.
[[nodiscard]] std::vector<std::string> shuffled_backgrounds(std::span<const std::string> sequences,
                                                            index_t count, index_t k = 2,
                                                            std::uint64_t seed = 1);

/// Backgrounds with independent letters: position i of every one has the letters that the sequences have at
/// i, N left out, with their frequencies. All sequences have one length.
/// \throws error [dnalm.usage.880] without sequences or with a negative count, [dnalm.input.881] for
/// sequences of different lengths or a position without a letter; error [dnalm.input.150].
[[nodiscard]] std::vector<std::string> profile_backgrounds(std::span<const std::string> sequences,
                                                           index_t count, std::uint64_t seed = 1);

/// A motif as letters: in each column the one that has more than half of the counts, N where none has. N left
/// at the ends are cut off. \throws error [dnalm.input.890] a motif of which nothing is left.
[[nodiscard]] std::string consensus_letters(const io::motif& motif);

/// A motif at a place. An N in the motif leaves the background's letter.
struct planted_motif {
  std::string letters = {};
  index_t position = 0;  ///< of its first letter, from 0
};

/// An effect on every output: one test of the mean over the backgrounds for each.
struct global_effect {
  std::vector<metrics::mean_test> outputs = {};  ///< C of them
  std::vector<double> effects = {};              ///< (N, C), row-major: the effect in each background
};

/// A function and its backgrounds. The function's values of the backgrounds are computed once.
///
/// Values and tests depend on the backgrounds' order only in the last bits of their sums. Curves see that
/// every motif has its place before they evaluate anything.
class global_importance {
 public:
  /// \throws error [dnalm.input.881] for fewer than two backgrounds; as sequence_function.
  global_importance(sequence_function function, std::vector<std::string> backgrounds);

  [[nodiscard]] const std::vector<std::string>& backgrounds() const { return backgrounds_; }
  /// (N, C), row-major: the function's values of the backgrounds as they are.
  [[nodiscard]] const std::vector<double>& values() const { return values_; }

  /// The effect of motifs planted together. \throws error [dnalm.input.882] when one leaves a background,
  /// holds a letter other than A, C, G, T, N, or two of them overlap. Cost: N evaluations.
  [[nodiscard]] global_effect effect(std::span<const planted_motif> motifs) const;

  /// What two groups of motifs do together beyond what each does alone:
  /// I(first and second) - I(first) - I(second), for each background. Cost: 3 N evaluations.
  [[nodiscard]] global_effect interaction(std::span<const planted_motif> first,
                                          std::span<const planted_motif> second) const;

  /// The effect of one motif at each of the positions.
  [[nodiscard]] std::vector<global_effect> position_curve(std::string_view letters,
                                                          std::span<const index_t> positions) const;

  /// The interaction of two motifs at each distance: the second begins `gap` bases behind the end of the
  /// first; a gap below 0 puts it before, with -gap - 1 bases between. The first stays where it is.
  [[nodiscard]] std::vector<global_effect> spacing_curve(const planted_motif& first, std::string_view second,
                                                         std::span<const index_t> gaps) const;

  /// The effect of the motif at the first 1, 2, ... of the positions.
  [[nodiscard]] std::vector<global_effect> multiplicity_curve(std::string_view letters,
                                                              std::span<const index_t> positions) const;

 private:
  void check_places(std::span<const planted_motif> motifs) const;
  [[nodiscard]] std::vector<double> values_with(std::span<const planted_motif> motifs) const;
  [[nodiscard]] global_effect beyond(std::vector<double> both, std::span<const double> first,
                                     std::span<const double> second) const;
  [[nodiscard]] global_effect summary(std::vector<double> effects) const;

  sequence_function function_;
  std::vector<std::string> backgrounds_;
  std::vector<double> values_;  // (N, C)
};

/// The background with the motifs in it, those in upper case. \throws as global_importance::effect.
[[nodiscard]] std::string with_motifs(std::string_view background, std::span<const planted_motif> motifs);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/global_importance_impl.hpp>
#endif
