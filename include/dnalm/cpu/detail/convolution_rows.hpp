// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which rows a convolution multiplies for which output row of a ragged batch.
#pragma once

#include <algorithm>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The rows of all sequences, and what an output row reads of them.
struct convolution_rows {
  matrix_view<const float> x;
  const ragged_offsets& offsets;
  convolution_taps taps;

  /// Numbers that one output row reads.
  [[nodiscard]] index_t depth() const { return taps.taps * x.columns; }
};

/// Walks from output row to output row and knows the sequence.
class row_walk {
 public:
  row_walk(const ragged_offsets& offsets, index_t first) : offsets_(offsets), row_(first) {
    const auto& all = offsets.offsets;
    sequence_ = std::upper_bound(all.begin(), all.end(), first) - all.begin() - 1;
  }
  [[nodiscard]] index_t row() const { return row_; }
  [[nodiscard]] bool in_sequence(index_t row) const {
    return row >= offsets_.begin(sequence_) && row < offsets_.begin(sequence_ + 1);
  }
  /// Not beyond the last row.
  void next() {
    ++row_;
    while (sequence_ + 1 < offsets_.sequences() && row_ >= offsets_.begin(sequence_ + 1)) ++sequence_;
  }

 private:
  const ragged_offsets& offsets_;
  index_t row_;
  index_t sequence_;
};

}  // namespace detail
DNALM_END_NAMESPACE
