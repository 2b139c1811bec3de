// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of probe/baselines.hpp.
#pragma once

#include <algorithm>

#include <dnalm/core/error.hpp>
#include <dnalm/probe/baselines.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// 0..3 for ACGT, 4 for N, either case. \throws error [dnalm.input.542].
[[nodiscard]] inline index_t baseline_base(const std::string& sequence, std::size_t position) {
  switch (sequence[position]) {
    case 'A':
    case 'a': return 0;
    case 'C':
    case 'c': return 1;
    case 'G':
    case 'g': return 2;
    case 'T':
    case 't': return 3;
    case 'N':
    case 'n': return 4;
    default: break;
  }
  throw error(error_kind::input, 542, "a letter is not one of ACGTN",
              {.where = "position " + std::to_string(position + 1),
               .expected = "A, C, G, T or N",
               .found = std::string(1, sequence[position])});
}

inline void check_feature_width(index_t expected, index_t found) {
  if (expected == found) return;
  throw error(error_kind::shape, 520, "the row for baseline features has the wrong width",
              {.expected = std::to_string(expected), .found = std::to_string(found)});
}

/// Counts the k-mers of one k into out[0 .. 4^k) and turns them into frequencies.
inline void kmer_frequencies(const std::string& sequence, index_t k, index_t kmers, float* out) {
  std::vector<index_t> counts(static_cast<std::size_t>(kmers), 0);
  index_t code = 0;
  index_t clean = 0;  // letters since the last N
  index_t windows = 0;
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const index_t base = baseline_base(sequence, i);
    clean = base == 4 ? 0 : clean + 1;
    code = base == 4 ? 0 : (4 * code + base) % kmers;
    if (clean < k) continue;
    ++counts[static_cast<std::size_t>(code)];
    ++windows;
  }
  const double total = windows > 0 ? static_cast<double>(windows) : 1.0;
  for (index_t i = 0; i < kmers; ++i) {
    out[i] = static_cast<float>(static_cast<double>(counts[static_cast<std::size_t>(i)]) / total);
  }
}

}  // namespace detail

DNALM_INLINE index_t longest_sequence(std::span<const std::string> sequences) {
  std::size_t longest = 0;
  for (const auto& sequence : sequences) longest = std::max(longest, sequence.size());
  return static_cast<index_t>(longest);
}

DNALM_INLINE void one_hot_features(const std::string& sequence, index_t positions, vector_view<float> out) {
  detail::check_feature_width(checked_mul(positions, 4), out.size);
  std::fill(out.begin(), out.end(), 0.0F);
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const index_t base = detail::baseline_base(sequence, i);
    const auto position = static_cast<index_t>(i);
    if (base < 4 && position < positions) out[4 * position + base] = 1.0F;
  }
}

DNALM_INLINE index_t kmer_feature_count(index_t largest) {
  if (largest < 1 || largest > 8) {
    throw error(error_kind::usage, 545, "k-mers of this length are not counted",
                {.expected = "1 to 8", .found = std::to_string(largest)});
  }
  index_t count = 1;
  for (index_t k = 1, kmers = 4; k <= largest; ++k, kmers *= 4) count += kmers;
  return count;
}

DNALM_INLINE void kmer_features(const std::string& sequence, index_t largest, vector_view<float> out) {
  detail::check_feature_width(kmer_feature_count(largest), out.size);
  float* next = out.data;
  for (index_t k = 1, kmers = 4; k <= largest; ++k, kmers *= 4) {
    detail::kmer_frequencies(sequence, k, kmers, next);
    next += kmers;
  }
  *next = out[1] + out[2];  // the frequencies of C and G
}

DNALM_INLINE matrix<float> one_hot_matrix(std::span<const std::string> sequences, index_t positions) {
  if (positions == 0) positions = longest_sequence(sequences);
  matrix<float> features(static_cast<index_t>(sequences.size()), checked_mul(positions, 4));
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    one_hot_features(sequences[i], positions, features.view().row(static_cast<index_t>(i)));
  }
  return features;
}

DNALM_INLINE matrix<float> kmer_matrix(std::span<const std::string> sequences, index_t largest) {
  matrix<float> features(static_cast<index_t>(sequences.size()), kmer_feature_count(largest));
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    kmer_features(sequences[i], largest, features.view().row(static_cast<index_t>(i)));
  }
  return features;
}

DNALM_END_NAMESPACE
