// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How the adjoint of attention cuts queries into chunks, and divides its scratch memory.
#pragma once

#include <algorithm>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/detail/attention_memory.hpp>
#include <dnalm/cpu/detail/attention_tiles.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The matrices of an attention's adjoint: of a batch (R, D) or of one head (L, K).
struct attention_head_views {
  matrix_view<const float> q;
  matrix_view<const float> k;
  matrix_view<const float> v;
  matrix_view<const float> dy;
  matrix_view<float> dq;
  matrix_view<float> dk;
  matrix_view<float> dv;

  [[nodiscard]] attention_head_views part(index_t row, index_t rows, index_t column, index_t columns) const {
    const auto of = [&](auto view) { return view.row_block(row, rows).column_block(column, columns); };
    return {of(q), of(k), of(v), of(dy), of(dq), of(dk), of(dv)};
  }
};

/// The smallest range of whole groups of 12 tokens that holds `range`, cut off at the end of the sequence.
[[nodiscard]] inline token_range whole_groups(token_range range, index_t length) {
  const index_t end = (range.end + most_tile_rows - 1) / most_tile_rows * most_tile_rows;
  return {range.begin / most_tile_rows * most_tile_rows, end < length ? end : length};
}

/// Floats of p, and of ds, that attention's adjoint keeps if a sequence has so many: both stay in the
/// second-level cache.
inline constexpr index_t attention_vjp_floats = 65536;

/// Floats between the p of two queries: not a power of two, so that rows do not fall into the same sets of
/// the cache.
[[nodiscard]] inline index_t attention_vjp_stride(index_t length) {
  return checked_add(score_tile_stride(length), 16);
}
/// Floats of p for a sequence: of all its queries, of what the cache holds, or of one tile.
[[nodiscard]] inline index_t attention_vjp_chunk_size(index_t length) {
  const index_t stride = attention_vjp_stride(length);
  const index_t all = checked_mul(checked_add(length, most_tile_rows), stride);
  return std::max(std::min(all, attention_vjp_floats), checked_mul(most_tile_rows, stride));
}
/// Floats of p, and of ds, of one tile of queries beside a chunk that is kept as pairs of bfloat16; floats
/// are computed where they are kept.
[[nodiscard]] inline index_t attention_vjp_tile_size(index_t length, bool pairs) {
  return pairs ? checked_mul(most_tile_rows, attention_vjp_stride(length)) : 0;
}
/// Floats of the sums of dk, and of dv: whole tiles of rows and whole panels of channels.
[[nodiscard]] inline index_t attention_vjp_sums_size(index_t length, index_t width) {
  return packed_rows_size(checked_add(length, most_tile_rows), width);
}

/// Where the parts of an attention's adjoint lie in its scratch memory. `pairs`: its operands are pairs of
/// bfloat16.
struct attention_vjp_memory {
  float* key_columns;
  float* value_columns;
  float* key_rows;
  float* query_rows;
  float* gradient_rows;
  float* queries;  ///< of one tile, scaled; then the tile's dy
  float* tile_p;   ///< of one tile of queries; for pairs only
  float* tile_ds;  ///< likewise
  float* p;        ///< of a chunk of queries: scores, then probabilities; or those as pairs of queries
  float* ds;       ///< of a chunk of queries, likewise
  float* dk;       ///< sums over the queries so far: [token][channel], whole panels
  float* dv;       ///< likewise
  index_t stride;  ///< of p and ds
  index_t chunk;   ///< queries of a chunk, whole tiles
};
[[nodiscard]] inline attention_vjp_memory divide_attention_vjp_scratch(float* scratch, index_t length,
                                                                       index_t width, bool pairs) {
  scratch_divider divider{scratch};
  attention_vjp_memory memory{};
  const index_t chunk_size = attention_vjp_chunk_size(length);
  memory.stride = attention_vjp_stride(length);
  memory.chunk = chunk_size / memory.stride / most_tile_rows * most_tile_rows;
  memory.key_columns = divider.take(packed_columns_size(length, width));
  memory.value_columns = divider.take(packed_columns_size(length, width));
  memory.key_rows = divider.take(packed_rows_size(length, width));
  memory.query_rows = divider.take(packed_rows_size(length, width));
  memory.gradient_rows = divider.take(packed_rows_size(length, width));
  memory.queries = divider.take(channel_tile_size(width));
  memory.tile_p = divider.take(attention_vjp_tile_size(length, pairs));
  memory.tile_ds = divider.take(attention_vjp_tile_size(length, pairs));
  memory.p = divider.take(chunk_size);
  memory.ds = divider.take(chunk_size);
  memory.dk = divider.take(attention_vjp_sums_size(length, width));
  memory.dv = divider.take(attention_vjp_sums_size(length, width));
  return memory;
}

}  // namespace detail
DNALM_END_NAMESPACE
