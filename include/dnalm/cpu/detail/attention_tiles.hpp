// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What attention and its adjoint share: key ranges, scratch memory, packed operands.
///
/// A head's rows (L, K) are packed in two ways: "by columns", panels of 32 rows, [panel][channel][row], for
/// products x_i . row_j; "by rows", panels of 32 channels, [panel][row][channel], for sums over rows.
#pragma once

#include <dnalm/cpu/detail/product_tile.hpp>
#include <dnalm/cpu/detail/softmax_row.hpp>
#include <dnalm/cpu/detail/transpose.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Most rows of a product tile in any instruction set, a multiple of all others.
inline constexpr index_t most_tile_rows = 12;

/// Tokens [begin, end) of a sequence.
struct token_range {
  index_t begin;
  index_t end;
  [[nodiscard]] index_t size() const { return end - begin; }
};

/// Tokens at most `window` away from token i (0: all). The relation is symmetric.
[[nodiscard]] inline token_range tokens_near(index_t i, index_t length, index_t window) {
  if (window == 0) return {0, length};
  return {i > window ? i - window : 0, window < length - i ? i + window + 1 : length};
}

/// All tokens near one of the 12 rows around row `first`; the same for every height of tiles.
[[nodiscard]] inline token_range tokens_near_tile(index_t first, index_t length, index_t window) {
  const index_t group = first / most_tile_rows * most_tile_rows;
  const index_t last = group + most_tile_rows < length ? group + most_tile_rows - 1 : length - 1;
  return {tokens_near(group, length, window).begin, tokens_near(last, length, window).end};
}

/// Sets the numbers of `all` that are not in `kept` to 0.
inline void clear_outside(float* row, token_range all, token_range kept) {
  for (index_t j = all.begin; j < kept.begin; ++j) row[j] = 0.0F;
  for (index_t j = kept.end; j < all.end; ++j) row[j] = 0.0F;
}

/// Asks for the rows of a tile in the columns behind a head's: those of the next head.
__attribute__((always_inline)) inline void fetch_behind(matrix_view<const float> x, index_t first,
                                                        index_t rows) {
  for (index_t r = first; r < first + rows; ++r) {
    const float* behind = x.row_data(r) + x.columns;
    for (index_t c = 0; c < x.columns; c += 16) __builtin_prefetch(behind + c, 0, 3);
  }
}

/// Queries, keys and values of one head of a sequence, (L, K) each.
struct attended_head {
  matrix_view<const float> q;
  matrix_view<const float> k;
  matrix_view<const float> v;
};

/// fetch_behind for the rows of a tile that are part `part` of `parts`: a few requests at a time, as many as
/// the processor can have open.
__attribute__((always_inline)) inline void fetch_part_behind(const attended_head& head, index_t first,
                                                             index_t rows, index_t part, index_t parts) {
  const index_t begin = rows * part / parts;
  const index_t end = rows * (part + 1) / parts;
  fetch_behind(head.q, first + begin, end - begin);
  fetch_behind(head.k, first + begin, end - begin);
  fetch_behind(head.v, first + begin, end - begin);
}

/// Floats that hold L rows of K channels packed by columns, and by rows.
[[nodiscard]] inline index_t packed_columns_size(index_t length, index_t width) {
  return checked_mul(panel_count(length) * panel_columns, width);
}
[[nodiscard]] inline index_t packed_rows_size(index_t length, index_t width) {
  return checked_mul(panel_count(width) * panel_columns, length);
}
/// Floats between two rows of a tile of scores.
[[nodiscard]] inline index_t score_tile_stride(index_t length) {
  return panel_count(length) * panel_columns;
}
/// Floats of one tile of scores.
[[nodiscard]] inline index_t score_tile_size(index_t length) {
  return checked_mul(score_tile_stride(length), most_tile_rows);
}

/// Hands out a scratch memory piece by piece.
struct scratch_divider {
  float* rest;
  float* take(index_t size) {
    float* piece = rest;
    rest += size;
    return piece;
  }
};

}  // namespace detail
DNALM_END_NAMESPACE

#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_tiles.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
