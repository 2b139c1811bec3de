// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How the products with weights divide their scratch.
#pragma once

#include <algorithm>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Words (floats or pairs of bfloat16) of a row that are multiplied at a time: twelve rows of them take 24
/// KiB.
inline constexpr index_t depth_words = 512;
/// Distance of rows in scratch: not a power of two, so that rows do not fall into the same sets of the cache.
inline constexpr index_t row_words = depth_words + 16;

/// Rows that are multiplied with all panels before the next ones. More of them for the adjoint, which turns
/// each panel anew for every block.
inline constexpr index_t linear_most_rows = 96;
inline constexpr index_t linear_vjp_most_rows = 576;

/// Where the parts of a scratch lie.
struct linear_memory {
  index_t block_rows = 0;  ///< rows that are multiplied with all panels before the next ones
  float* rows = nullptr;   ///< [piece of k][row][row_words]
  float* sums = nullptr;   ///< [row][32]
  float* panel = nullptr;  ///< [word][32]: part of a panel, in the form the products read
};

/// Rows of a matrix that may be missing (data null).
template <class T>
[[nodiscard]] matrix_view<T> rows_or_none(matrix_view<T> x, index_t first, index_t count) {
  return x.data == nullptr ? x : x.row_block(first, count);
}

/// Rows of a block, a multiple of every tile: `most`, fewer when a row is long, so that a block of the
/// forward stays within the second-level cache or near it (the adjoint's, up to 10 MB, streams from the
/// third).
[[nodiscard]] inline index_t linear_rows(index_t depth, index_t most) {
  const index_t pieces = (depth + depth_words - 1) / depth_words;
  return std::clamp<index_t>(most * 8 / std::max<index_t>(pieces, 1) / 12 * 12, 24, most);
}
/// Rows, sums and one piece of a panel.
[[nodiscard]] inline index_t linear_scratch_size(index_t depth, index_t most, index_t panel_words) {
  const index_t rows = linear_rows(depth, most);
  const index_t pieces = (depth + depth_words - 1) / depth_words;
  const index_t copied = checked_mul(checked_mul(pieces, row_words), rows);
  return checked_add(copied, checked_mul(checked_add(rows, panel_words), panel_columns));
}
[[nodiscard]] inline linear_memory divide_linear_memory(index_t depth, index_t most, float* scratch) {
  linear_memory memory;
  memory.block_rows = linear_rows(depth, most);
  memory.rows = scratch;
  const index_t pieces = (depth + depth_words - 1) / depth_words;
  memory.sums = memory.rows + pieces * memory.block_rows * row_words;
  memory.panel = memory.sums + memory.block_rows * panel_columns;
  return memory;
}
[[nodiscard]] inline linear_memory divide_linear_scratch(const packed_weight& w, float* scratch) {
  return divide_linear_memory(w.inputs, linear_most_rows, scratch);
}
[[nodiscard]] inline linear_memory divide_linear_vjp_scratch(const packed_weight& w, float* scratch) {
  return divide_linear_memory(w.outputs, linear_vjp_most_rows, scratch);
}

}  // namespace detail
DNALM_END_NAMESPACE
