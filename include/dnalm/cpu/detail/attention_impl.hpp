// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/attention.hpp.
#pragma once

#include <algorithm>
#include <limits>

#include <dnalm/cpu/attention.hpp>
#include <dnalm/cpu/detail/attention_tiles.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// How one head scores pairs of tokens.
struct head_scores {
  float scale;
  float slope;
  index_t window;
};
[[nodiscard]] inline head_scores scores_of_head(const attention_options<float>& options, index_t h) {
  return {options.score_scale, options.alibi_slopes.empty() ? 0.0F : options.alibi_slopes[h], options.window};
}

/// The same scores times log2(e), so that exp becomes 2^.
[[nodiscard]] inline head_scores in_powers_of_two(const head_scores& how) {
  const float log2e = 1.44269504F;
  return {how.scale * log2e, how.slope * log2e, how.window};
}

/// A few neighbouring queries of a head.
struct attention_tile {
  index_t first;
  index_t rows;
  index_t length;  ///< tokens of the sequence
  index_t width;   ///< channels of the head
};

/// By query of a tile: the largest score so far, and the sum of 2^(score - largest).
struct running_softmax {
  alignas(64) float largest[16];
  float sum[16] = {};
  running_softmax() { std::fill_n(largest, 16, std::numeric_limits<float>::lowest()); }
};

/// Keys that are scored at once: a tile of their scores and one panel of keys fit the first-level cache.
/// Longer sequences go by blocks of so many.
inline constexpr index_t block_keys = 512;

/// The keys of `block` that are also in `near`; where there are none, an empty range within the block.
[[nodiscard]] inline token_range part_of_block(token_range near, token_range block) {
  const index_t begin = std::clamp(near.begin, block.begin, block.end);
  return {begin, std::clamp(near.end, begin, block.end)};
}
/// Blocks lie at multiples of block_keys, cut off where `keys` ends.
[[nodiscard]] inline token_range first_key_block(token_range keys) {
  const index_t end = (keys.begin / block_keys + 1) * block_keys;
  return {keys.begin, end < keys.end ? end : keys.end};
}
[[nodiscard]] inline token_range next_key_block(token_range block, token_range keys) {
  return {block.end, keys.end - block.end < block_keys ? keys.end : block.end + block_keys};
}
/// First key of the panel in which a block begins.
[[nodiscard]] inline index_t panel_start(token_range block) {
  return block.begin / panel_columns * panel_columns;
}

/// Floats between two rows of a block of scores: not a power of two, so that rows do not fall into the same
/// sets of the cache.
[[nodiscard]] inline index_t score_block_stride(index_t length) {
  return (length < block_keys ? panel_count(length) * panel_columns : block_keys) + 16;
}

/// Where the parts of an attention lie in its scratch memory.
struct attention_memory {
  float* keys;     ///< by columns
  float* values;   ///< by rows
  float* scores;   ///< of one tile of queries and one block of keys
  float* queries;  ///< of one tile, scaled
  float* sums;     ///< of one tile: [panel of channels][query][32]
  index_t score_stride;
};
/// Floats of a tile of queries or of sums.
[[nodiscard]] inline index_t channel_tile_size(index_t width) {
  return checked_mul(panel_count(width) * panel_columns, most_tile_rows);
}
[[nodiscard]] inline attention_memory divide_attention_scratch(float* scratch, index_t length,
                                                               index_t width) {
  scratch_divider divider{scratch};
  attention_memory memory{};
  memory.score_stride = score_block_stride(length);
  memory.keys = divider.take(packed_columns_size(length, width));
  memory.values = divider.take(packed_rows_size(length, width));
  memory.scores = divider.take(most_tile_rows * memory.score_stride);
  memory.queries = divider.take(channel_tile_size(width));
  memory.sums = divider.take(channel_tile_size(width));
  return memory;
}

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
/// Floats of the sums of dk, and of dv: whole tiles of rows and whole panels of channels.
[[nodiscard]] inline index_t attention_vjp_sums_size(index_t length, index_t width) {
  return packed_rows_size(checked_add(length, most_tile_rows), width);
}

/// Where the parts of an attention's adjoint lie in its scratch memory.
struct attention_vjp_memory {
  float* key_columns;
  float* value_columns;
  float* key_rows;
  float* query_rows;
  float* gradient_rows;
  float* p;        ///< of a chunk of queries: scores, then probabilities
  float* ds;       ///< of a chunk of queries
  float* dk;       ///< sums over the queries so far: [token][channel], whole panels
  float* dv;       ///< likewise
  index_t stride;  ///< of p and ds
  index_t chunk;   ///< queries of a chunk, whole tiles
};
[[nodiscard]] inline attention_vjp_memory divide_attention_vjp_scratch(float* scratch, index_t length,
                                                                       index_t width) {
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
  memory.p = divider.take(chunk_size);
  memory.ds = divider.take(chunk_size);
  memory.dk = divider.take(attention_vjp_sums_size(length, width));
  memory.dv = divider.take(attention_vjp_sums_size(length, width));
  return memory;
}

}  // namespace detail
DNALM_END_NAMESPACE

#define DNALM_ISA_BODY <dnalm/cpu/detail/attention.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/attention_vjp.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE index_t cpu_attention_scratch(index_t longest, index_t head_width) {
  const index_t packed = checked_add(detail::packed_columns_size(longest, head_width),
                                     detail::packed_rows_size(longest, head_width));
  const index_t scores = detail::most_tile_rows * detail::score_block_stride(longest);
  const index_t channels = checked_mul(detail::channel_tile_size(head_width), 2);
  return checked_add(packed, checked_add(scores, channels));
}

DNALM_INLINE void cpu_attention(isa set, matrix_view<const float> q, matrix_view<const float> k,
                                matrix_view<const float> v, const ragged_offsets& offsets,
                                const attention_options<float>& options, vector_view<float> scratch,
                                matrix_view<float> y) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::attention(q, k, v, offsets, options, scratch, y);
  if (set == isa::avx2) return detail::isa_avx2::attention(q, k, v, offsets, options, scratch, y);
#endif
  static_cast<void>(set);
  detail::isa_portable::attention(q, k, v, offsets, options, scratch, y);
}

DNALM_INLINE index_t cpu_attention_vjp_scratch(index_t longest, index_t head_width) {
  const index_t columns = checked_mul(detail::packed_columns_size(longest, head_width), 2);
  const index_t rows = checked_mul(detail::packed_rows_size(longest, head_width), 3);
  const index_t chunk = detail::attention_vjp_chunk_size(longest);
  const index_t sums = detail::attention_vjp_sums_size(longest, head_width);
  return checked_add(checked_add(columns, rows), checked_mul(checked_add(chunk, sums), 2));
}

DNALM_INLINE void cpu_attention_vjp(isa set, matrix_view<const float> q, matrix_view<const float> k,
                                    matrix_view<const float> v, const ragged_offsets& offsets,
                                    const attention_options<float>& options, matrix_view<const float> dy,
                                    vector_view<float> scratch, matrix_view<float> dq, matrix_view<float> dk,
                                    matrix_view<float> dv) {
  const detail::attention_head_views all{q, k, v, dy, dq, dk, dv};
#if defined(__x86_64__)
  if (set >= isa::avx512) return detail::isa_avx512::attention_vjp(all, offsets, options, scratch);
  if (set == isa::avx2) return detail::isa_avx2::attention_vjp(all, offsets, options, scratch);
#endif
  static_cast<void>(set);
  detail::isa_portable::attention_vjp(all, offsets, options, scratch);
}

DNALM_END_NAMESPACE
