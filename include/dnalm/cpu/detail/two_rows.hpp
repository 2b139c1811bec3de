// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Convolutions that make two rows at a time (pack_convolution): their weights and memory.
#pragma once

#include <algorithm>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// m0 ... m3.
inline constexpr index_t two_row_parts = 4;

[[nodiscard]] constexpr index_t groups_of_three(index_t taps) {
  return (taps + 2) / 3;
}

/// Whether two rows at a time need at most nine tenths of the products, and sums beside them are few.
[[nodiscard]] inline bool saves_by_two_rows(matrix_view<const float> w, const convolution_taps& taps) {
  constexpr index_t least_channels = 32;
  constexpr index_t most_dilation = 32;
  const bool plain = taps.stride == 1 && taps.dilation <= most_dilation;
  const bool fewer = 10 * two_row_parts * groups_of_three(taps.taps) <= 9 * 2 * taps.taps;
  return plain && fewer && w.rows >= least_channels && w.columns >= least_channels * taps.taps;
}

/// (out, 4 groups in) of W (out, taps in): for part p, group j, channel c at (p groups + j) in + c what the
/// sum of rows is multiplied with; taps beyond the last are zeros.
[[nodiscard]] inline matrix<float> two_row_weight(matrix_view<const float> w, index_t taps) {
  const index_t groups = groups_of_three(taps);
  const index_t inputs = w.columns / taps;
  matrix<float> sums(w.rows, checked_mul(two_row_parts * groups, inputs));
  for (index_t n = 0; n < w.rows; ++n) {
    for (index_t k = 0; k < groups * inputs; ++k) {
      double g[3] = {0.0, 0.0, 0.0};
      for (index_t t = 0; t < 3; ++t) {
        const index_t tap = 3 * (k / inputs) + t;
        if (tap < taps) g[t] = static_cast<double>(w(n, tap * inputs + k % inputs));
      }
      const double parts[] = {g[0], (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2, g[2]};
      for (index_t p = 0; p < two_row_parts; ++p) {
        sums(n, p * groups * inputs + k) = static_cast<float>(parts[p]);
      }
    }
  }
  return sums;
}

/// Where the parts of the scratch lie.
struct two_row_memory {
  index_t block = 0;       ///< pairs of rows that are multiplied with all panels before the next ones
  index_t part_words = 0;  ///< floats of the rows of one part
  float* rows = nullptr;   ///< [part][piece of k][pair][row_words]
  float* sums = nullptr;   ///< [part][pair][32]
  float* out = nullptr;    ///< [row][32]
  float* zeros = nullptr;  ///< a row of the input
};

/// `depth` numbers of each part.
[[nodiscard]] inline index_t two_row_pieces(index_t depth) {
  return (depth + depth_words - 1) / depth_words;
}
/// Pairs of rows that lie 2 d rows apart and are made together, a multiple of the dilation d.
[[nodiscard]] inline index_t two_row_block(index_t depth, index_t dilation) {
  const index_t most =
      std::clamp<index_t>(256 / std::max<index_t>(two_row_pieces(depth), 1) / 12 * 12, 36, 84);
  return most / dilation * dilation;
}
[[nodiscard]] inline two_row_memory divide_two_row_memory(index_t depth, index_t dilation, float* scratch) {
  two_row_memory memory;
  memory.block = two_row_block(depth, dilation);
  memory.part_words = two_row_pieces(depth) * memory.block * row_words;
  memory.rows = scratch;
  memory.sums = memory.rows + two_row_parts * memory.part_words;
  memory.out = memory.sums + two_row_parts * memory.block * panel_columns;
  memory.zeros = memory.out + 2 * memory.block * panel_columns;
  return memory;
}
/// For any dilation. A row of the input has at most as many numbers as a part.
[[nodiscard]] inline index_t two_row_scratch_size(const packed_weight& w) {
  const index_t depth = w.inputs / two_row_parts;
  const index_t block = two_row_block(depth, 1);
  const index_t rows = checked_mul(two_row_parts * block, checked_mul(two_row_pieces(depth), row_words));
  return checked_add(checked_add(rows, (two_row_parts + 2) * block * panel_columns), depth);
}

/// Rows that a team's member makes at least at a time, where there are so many: those at both ends of a part
/// may be made twice.
inline constexpr index_t two_row_part_rows = 960;

/// Rows of one sequence among those that a call makes: `i` ... `end` - 1 of the sequence.
struct sequence_rows {
  index_t sequence = 0;
  index_t i = 0;
  index_t end = 0;
};

/// Those that begin with output row `row`, at most `most`.
[[nodiscard]] inline sequence_rows sequence_rows_from(const ragged_offsets& to, index_t row, index_t most) {
  const auto& all = to.offsets;
  const index_t sequence = std::upper_bound(all.begin(), all.end(), row) - all.begin() - 1;
  const index_t i = row - to.begin(sequence);
  return {sequence, i, std::min(to.length(sequence), i + most)};
}

}  // namespace detail
DNALM_END_NAMESPACE
