// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Features that know nothing of a language model: one-hot letters, and k-mer frequencies with GC
/// content.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Length of the longest sequence, 0 for none.
[[nodiscard]] index_t longest_sequence(std::span<const std::string> sequences);

/// Writes 4 x positions numbers: entry 4 i + a is 1 where letter i is `ACGT`[a]. N and positions beyond the
/// end are four zeros; sequences of unequal length are aligned at their start, letters beyond `positions` are
/// cut. \throws error [dnalm.input.542] for a letter other than ACGTN (either case). Cost: O(positions).
void one_hot_features(const std::string& sequence, index_t positions, vector_view<float> out);

/// Number of columns of kmer_features: 4 + 16 + ... + 4^largest + 1.
[[nodiscard]] index_t kmer_feature_count(index_t largest = 5);

/// Writes, for k = 1 .. largest, the frequency of every k-mer (count over the number of windows without N, in
/// alphabetical order A C G T), then the GC content (share of G and C among A, C, G, T; 0 if none).
/// \throws error [dnalm.input.542] as above. Cost: O(letters x largest).
void kmer_features(const std::string& sequence, index_t largest, vector_view<float> out);

/// All sequences, one row each; `positions` 0 stands for the longest. \throws as the functions above.
[[nodiscard]] matrix<float> one_hot_matrix(std::span<const std::string> sequences, index_t positions = 0);
[[nodiscard]] matrix<float> kmer_matrix(std::span<const std::string> sequences, index_t largest = 5);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/baselines_impl.hpp>
#endif
