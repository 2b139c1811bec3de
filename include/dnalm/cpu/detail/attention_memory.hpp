// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How attention scores, cuts keys into blocks, and divides its scratch memory.
#pragma once

#include <algorithm>
#include <limits>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/core/platform.hpp>
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
/// The range from the even token at or before its begin: pairs of keys lie at even tokens.
[[nodiscard]] inline token_range whole_pairs(token_range keys) {
  return {keys.begin / 2 * 2, keys.end};
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

}  // namespace detail
DNALM_END_NAMESPACE
