// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Whether maps find motifs: the sizes of their numbers within sites against those outside.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// The mean of the numbers of a site's bases, those that are NaN left out; NaN where none is left.
/// \throws error [dnalm.shape.895] a site beyond the numbers.
[[nodiscard]] double mean_over_site(std::span<const double> numbers, index_t start, index_t width);

/// How the maps of many sequences stand to the sites of one motif. Values without a meaning (no site, no base
/// outside, a single sequence where a test needs two) are NaN.
///
/// Only sequences with a site count. A base is inside if a site on either strand covers it. Compared are
/// |numbers|; AUROC is P(|number| inside > |number| outside), ties one half, so 1/2 says nothing was found.
struct motif_recovery {
  index_t hits = 0;       ///< sites
  index_t sequences = 0;  ///< that have one
  index_t bases_inside = 0;
  index_t bases_outside = 0;
  double mean_inside = 0;   ///< of |numbers|
  double mean_outside = 0;  ///< of |numbers|
  double auroc = 0;         ///< of all bases of these sequences together
  double p_value = 1;       ///< Mann-Whitney, both sides, as if bases were independent (neighbours are not)
  double mean_auroc = 0;    ///< mean of the AUROC within each sequence
  /// The same where each sequence has the sites of the next one that has some (the last one those of the
  /// first), cut at its end: what the places of sites alone explain, as in peaks whose sites lie in the
  /// middle.
  double control_auroc = 0;
  double paired_p_value = 1;  ///< paired t test over sequences of AUROC against its control, both sides
};

/// Gathers maps and sites, sequence by sequence. Memory: 8 bytes for each base of sequences with a site of
/// any motif, 16 for each site.
class motif_recovery_collector {
 public:
  /// Widths of the motifs by their numbers, as `motif_hit::motif` has them.
  explicit motif_recovery_collector(std::vector<index_t> widths);
  explicit motif_recovery_collector(std::span<const motif_scorer> motifs);

  /// One number a base, and the sites of all motifs in any order. Bases other than A, C, G, T and those whose
  /// number is NaN count nowhere. \throws error [dnalm.shape.895] not one number for each letter, a site
  /// beyond the end or of a motif that is not there.
  void add(std::string_view sequence, std::span<const double> numbers, std::span<const motif_hit> hits);

  [[nodiscard]] index_t sequences() const { return added_; }
  /// \throws error [dnalm.shape.895] no such motif. Cost: O(n log n) for n bases of sequences with a site of
  /// this motif; other motifs' sites cost nothing.
  [[nodiscard]] motif_recovery result(index_t motif) const;

 private:
  struct placed_site {
    std::size_t sequence = 0;  // of sizes_
    index_t start = 0;
  };

  std::vector<index_t> widths_;
  std::vector<std::vector<placed_site>> sites_;  // by motif, in the order of sequences
  std::vector<std::vector<double>> sizes_ = {};  // of sequences with a site; NaN where a base does not count
  index_t added_ = 0;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/motif_recovery_impl.hpp>
#endif
