// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Uniform shuffles that keep the counts of all k-lets: dinucleotide shuffles for k = 2.
///
/// A run of A, C, G, T is a walk over its (k-1)-lets, one step for each k-let. A shuffle is another walk over
/// the same steps: a uniform tree of last exits towards the last (k-1)-let is drawn, and the other exits
/// follow in random order. Every sequence with the same k-let counts and the same first k-1 letters has the
/// same probability.
///
/// Source: Wilson, "Generating random spanning trees more quickly than the cover time", STOC 1996; Kandel,
/// Matias, Unger, Winkler, "Shuffling biological sequences", Discrete Applied Mathematics 71, 1996.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/detail/shuffle_graph.hpp>

DNALM_BEGIN_NAMESPACE

/// What a shuffle depends on beside its sequence: never on its place in a batch.
struct shuffle_key {
  std::uint64_t seed = 1;
  std::uint64_t sequence = 0;   ///< which sequence: hash_name of its name, or its number
  std::uint32_t replicate = 0;  ///< which of its shuffles
};

/// How many different shuffles a sequence has, itself included.
struct shuffle_number {
  double log = 0;                      ///< natural logarithm, a sum of log-gammas in double
  std::optional<index_t> exact = {1};  ///< the number where it is below 2^63
};

/// Shuffles of one sequence; its k-lets are counted once. Safe to share between threads.
class sequence_shuffler {
 public:
  /// Letters are A, C, G, T, N in either case and are written in upper case. N stays where it is, and the
  /// runs between are shuffled apart. \param k length of the words whose counts are kept, 1 to 32.
  /// \throws error [dnalm.input.150] for another letter, [dnalm.usage.153] for another k.
  /// Cost: O(n), O(n log n) where 4^(k-1) exceeds both 64 and the run's length.
  explicit sequence_shuffler(std::string_view sequence, index_t k = 2);

  /// One shuffle, with the same first and last k-1 letters of every run. The same key gives the same
  /// letters. Cost: O(n) expected for small k; one random number a letter.
  [[nodiscard]] std::string shuffled(const shuffle_key& key) const;

  /// The number of different shuffles by the theorem of de Bruijn, van Aardenne-Ehrenfest, Smith and Tutte:
  /// tau prod_{v != root} (d_v - 1)! d_root! / prod m_ab!, multiplied over the runs.
  /// \throws error [dnalm.unsupported.154] when a run has more than 1,024 different (k-1)-lets.
  /// Cost: O(V^3) for V different (k-1)-lets.
  [[nodiscard]] shuffle_number number() const;

 private:
  std::string letters_;
  std::vector<detail::shuffle_graph> runs_;
};

/// One shuffle of one sequence. \throws as sequence_shuffler.
[[nodiscard]] std::string shuffle_sequence(std::string_view sequence, index_t k, const shuffle_key& key);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/sequence/detail/shuffle_impl.hpp>
#endif
