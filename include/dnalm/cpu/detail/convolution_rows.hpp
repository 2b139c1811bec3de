// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which rows a convolution multiplies for which output row of a ragged batch.
#pragma once

#include <algorithm>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The rows of all sequences, and what an output row reads of them: row i of a sequence of `to` reads the
/// rows (i stride + the taps' offsets) / spread of the sequence of `from`, where that is whole.
struct convolution_rows {
  matrix_view<const float> x;
  const ragged_offsets& from;
  const ragged_offsets& to;
  convolution_taps taps;
  index_t spread = 1;  ///< of an adjoint: the stride of the forward

  /// Numbers that one output row reads.
  [[nodiscard]] index_t depth() const { return taps.taps * x.columns; }
};

/// Output rows of one sequence that follow each other, alike in whether all their taps see rows of x.
struct row_run {
  index_t first = -1;  ///< the row of x that tap 0 of the first one reads; -1: some taps see none
  index_t count = 0;
};

/// Whether a convolution reads its input where it lies: up to 64 output channels. Not where the rows of a
/// tile lie 4 KiB apart, in one set of the first-level cache.
[[nodiscard]] inline bool is_narrow(const convolution_rows& rows, const packed_weight& w) {
  return w.panel_count() <= 2 && rows.x.stride * rows.taps.stride % 1024 != 0;
}

/// Walks from output row to output row and knows the sequence.
class row_walk {
 public:
  row_walk(const convolution_rows& rows, index_t first)
      : from_(rows.from), to_(rows.to), stride_(rows.taps.stride), spread_(rows.spread), row_(first) {
    const auto& all = to_.offsets;
    sequence_ = std::upper_bound(all.begin(), all.end(), first) - all.begin() - 1;
  }
  /// The row of x that lies `offset` from the output row; -1: none.
  [[nodiscard]] index_t source(index_t offset) const {
    index_t at = (row_ - to_.begin(sequence_)) * stride_ + offset;
    if (spread_ != 1) {
      if (at % spread_ != 0) return -1;
      at /= spread_;
    }
    const index_t begin = from_.begin(sequence_);
    return at >= 0 && at < from_.begin(sequence_ + 1) - begin ? begin + at : -1;
  }
  /// Not beyond the last row.
  void next() {
    ++row_;
    while (sequence_ + 1 < to_.sequences() && row_ >= to_.begin(sequence_ + 1)) ++sequence_;
  }

 private:
  const ragged_offsets& from_;
  const ragged_offsets& to_;
  index_t stride_;
  index_t spread_;
  index_t row_;
  index_t sequence_;
};

/// The run that begins with output row `row`, of at most `most` rows. Not of an adjoint (spread).
[[nodiscard]] inline row_run run_of(const convolution_rows& rows, index_t row, index_t most) {
  const auto& all = rows.to.offsets;
  const index_t sequence = std::upper_bound(all.begin(), all.end(), row) - all.begin() - 1;
  const index_t stride = rows.taps.stride;
  const index_t i = row - rows.to.begin(sequence);
  const index_t end = std::min(rows.to.length(sequence), i + most);
  // Rows from `low` on see no row before the sequence, rows below `high` none behind it.
  const index_t low = std::max<index_t>((stride - 1 - rows.taps.offset(0)) / stride, 0);
  const index_t spare = rows.from.length(sequence) - 1 - rows.taps.offset(rows.taps.taps - 1);
  const index_t high = spare < 0 ? 0 : spare / stride + 1;
  if (i < low || i >= high) return {-1, (i < low && low < high ? std::min(low, end) : end) - i};
  return {rows.from.begin(sequence) + i * stride + rows.taps.offset(0), std::min(high, end) - i};
}

}  // namespace detail
DNALM_END_NAMESPACE
