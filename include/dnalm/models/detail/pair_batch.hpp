// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Batches of pairs for DeepLIFT's multipliers, checked.
#pragma once

#include <cstdint>
#include <string>

#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/token_batch.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.shape.831] sequences that are no pairs: an odd number, or lengths that differ.
inline void check_pairs(const ragged_offsets& offsets) {
  const index_t half = offsets.sequences() / 2;
  if (offsets.sequences() != 2 * half) {
    throw error(error_kind::shape, 831, "a batch that is not of pairs",
                {.expected = "observed sequences, and as many references behind them",
                 .found = std::to_string(offsets.sequences()) + " sequences"});
  }
  for (index_t s = 0; s < half; ++s) {
    if (offsets.length(s) == offsets.length(s + half)) continue;
    throw error(error_kind::shape, 831, "a reference of another length than its sequence",
                {.where = "pair " + std::to_string(s) + " of the batch",
                 .expected = std::to_string(offsets.length(s)) + " tokens",
                 .found = std::to_string(offsets.length(s + half)) + " tokens"});
  }
}

/// What a pass has to know about the pairs of a batch. `block` as in row_pairs.
/// \throws error [dnalm.unsupported.830] a backend without rules for them, [dnalm.shape.831].
template <class B>
[[nodiscard]] row_pairs pairs_of(const B& backend, const token_batch& batch, bool wanted, index_t block = 0) {
  if (!wanted) return {};
  if constexpr (!pair_kernels<B>) {
    throw error(error_kind::unsupported, 830, "a backend without DeepLIFT's rules",
                {.expected = "a model on the cpu or the reference backend: load_model without on_cuda",
                 .found = std::string(backend.name())});
  } else {
    check_pairs(batch.offsets);
    return {true, block};
  }
}

/// The pairs of a workspace, for the time of one gradient: whatever runs in it next has none.
class pairs_of_pass {
 public:
  pairs_of_pass(row_pairs& place, const row_pairs& pairs) : place_(place) { place_ = pairs; }
  ~pairs_of_pass() { place_ = {}; }
  pairs_of_pass(const pairs_of_pass&) = delete;
  pairs_of_pass& operator=(const pairs_of_pass&) = delete;

 private:
  row_pairs& place_;
};

/// Token dropout scales the words' rows by the number of masks: a pair has to have the same.
/// \throws error [dnalm.input.832] a mask where the other sequence has none.
inline void check_pair_masks(const token_batch& batch, std::int32_t mask) {
  const index_t half = batch.offsets.sequences() / 2;
  for (index_t r = 0; r < batch.offsets.begin(half); ++r) {
    const bool observed = batch.ids[static_cast<std::size_t>(r)] == mask;
    const bool reference = batch.ids[static_cast<std::size_t>(r + batch.offsets.begin(half))] == mask;
    if (observed == reference) continue;
    throw error(error_kind::input, 832, "a mask token that only one sequence of a pair has",
                {.where = "token " + std::to_string(r) + " of the observed sequences",
                 .expected = "references that are masked alike: the model scales its input by the number of "
                             "masks"});
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
