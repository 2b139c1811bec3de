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

/// Where the parts of an attention's adjoint lie in its scratch memory. "score" operands make q . k,
/// "gradient" operands dy . v; which of the two it is depends on the pass.
struct attention_vjp_memory {
  float* score_columns;
  float* gradient_columns;
  float* score_rows;
  float* gradient_rows;
  float* p;        ///< one tile of scores, then probabilities
  float* ds;       ///< one tile of gradients
  float* largest;  ///< by query: largest score
  float* inverse;  ///< 1 / sum of the exponentials
  float* mean;     ///< sum of p dp
  index_t stride;  ///< of the tiles
};
[[nodiscard]] inline attention_vjp_memory divide_attention_vjp_scratch(float* scratch, index_t length,
                                                                       index_t width) {
  scratch_divider divider{scratch};
  attention_vjp_memory memory{};
  memory.stride = score_tile_stride(length);
  memory.score_columns = divider.take(packed_columns_size(length, width));
  memory.gradient_columns = divider.take(packed_columns_size(length, width));
  memory.score_rows = divider.take(packed_rows_size(length, width));
  memory.gradient_rows = divider.take(packed_rows_size(length, width));
  memory.p = divider.take(score_tile_size(length));
  memory.ds = divider.take(score_tile_size(length));
  memory.largest = divider.take(length);
  memory.inverse = divider.take(length);
  memory.mean = divider.take(length);
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
  const index_t packed = checked_add(detail::packed_columns_size(longest, head_width),
                                     detail::packed_rows_size(longest, head_width));
  const index_t statistics = checked_mul(longest, 3);
  const index_t tiles = checked_mul(detail::score_tile_size(longest), 2);
  return checked_add(checked_mul(packed, 2), checked_add(tiles, statistics));
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
