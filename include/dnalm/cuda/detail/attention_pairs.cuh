// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the kernels of attention work on: pairs of a sequence and a head, dealt to teams of warps.
#pragma once

#include <limits>
#include <string>
#include <type_traits>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/detail/device.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Score of a token that a query does not attend to.
inline constexpr float no_score = -std::numeric_limits<float>::infinity();

/// What is computed, beside the rows.
struct attention_work {
  device_vector<const index_t> offsets;
  const float* slopes;  ///< one per head; null: no position bias
  float scale;
  int heads;
  int width;    ///< channels of a head
  int window;   ///< 0: all tokens of the sequence
  int longest;  ///< sequences of more tokens are left out: shared memory has no room for them
};

/// How a launch deals pairs to blocks.
struct attention_teams {
  int pairs;  ///< of a block
  int warps;  ///< that work on a pair
  int rows;   ///< of a sequence that shared memory holds at a time
};

/// Shared memory of a block that every GPU from sm_80 on has: 99 KiB.
inline constexpr int block_shared_bytes = 99 * 1024;

/// Shared memory that several pairs of a block may take: more would leave room for one block only.
inline constexpr int shared_pairs_bytes = 80 * 1024;

/// Tokens [begin, end).
struct token_span {
  int begin;
  int end;
};

/// One pair of a sequence and a head, and who of its team runs.
struct attention_pair {
  index_t first;  ///< row of the sequence's first token
  int length;     ///< tokens; 0 when there is nothing to do
  int head;
  int team;  ///< number of the pair in its block
  int warp;  ///< number of this warp in the team

  /// The rows and channels of the pair.
  template <class View>
  [[nodiscard]] DNALM_DEVICE View part(const View& all, int width) const {
    return all.row_block(first, length).column_block(index_t{head} * width, width);
  }
};

/// The pair of this warp's team; one of no tokens where there is none, or its sequence is longer than
/// allowed.
[[nodiscard]] DNALM_DEVICE attention_pair find_pair(const attention_work& work,
                                                    const attention_teams& teams) {
  const int team = warp() / teams.warps;
  attention_pair found{0, 0, 0, team, warp() % teams.warps};
  const index_t number = index_t{block_index().x} * teams.pairs + team;
  const index_t sequence = number / work.heads;
  if (sequence >= work.offsets.size - 1) return found;
  found.head = static_cast<int>(number % work.heads);
  found.first = work.offsets[sequence];
  const index_t length = work.offsets[sequence + 1] - found.first;
  found.length = length <= work.longest ? static_cast<int>(length) : 0;
  return found;
}

/// Scores of a pair: scale dot - slope |i - j|, times `unit`.
struct score_rule {
  float scale;
  float slope;
  int length;
  int window;

  DNALM_DEVICE score_rule(const attention_work& work, const attention_pair& pair, float unit = 1.0F)
      : scale(work.scale * unit),
        slope(work.slopes == nullptr ? 0.0F : work.slopes[pair.head] * unit),
        length(pair.length),
        window(work.window) {}

  /// Score of a token of the sequence and any j; no_score where they do not meet.
  [[nodiscard]] DNALM_DEVICE float score(float dot, int i, int j) const {
    const int distance = i < j ? j - i : i - j;
    const bool near = j < length && (window == 0 || distance <= window);
    return near ? scale * dot - slope * static_cast<float>(distance) : no_score;
  }
  /// The tokens that those from `first` to `last` meet.
  [[nodiscard]] DNALM_DEVICE token_span near(int first, int last) const {
    if (window == 0) return {0, length};
    return {first > window ? first - window : 0, window < length - last ? last + window + 1 : length};
  }
  /// The same in blocks of `size` tokens.
  [[nodiscard]] DNALM_DEVICE token_span near_blocks(int first, int last, int size) const {
    const token_span tokens = near(first, last);
    return {tokens.begin / size, (tokens.end + size - 1) / size};
  }
};

/// \throws error [dnalm.unsupported.610] when the kernels cannot take such heads or sequences.
[[nodiscard]] inline attention_work make_attention_work(index_t columns, const device_sequences& sequences,
                                                        const device_attention_options& options) {
  const index_t width = columns / options.heads;
  if (width > 256 || sequences.longest >= index_t{1} << 30) {
    throw error(
        error_kind::unsupported, 610, "attention of this shape is not built for GPUs",
        {.expected = "heads of at most 256 channels, sequences of less than 1073741824 tokens",
         .found = std::to_string(width) + " channels, " + std::to_string(sequences.longest) + " tokens"});
  }
  const index_t window = options.window < sequences.longest ? options.window : sequences.longest;
  return {sequences.offsets,
          options.alibi_slopes.empty() ? nullptr : options.alibi_slopes.data,
          options.score_scale,
          static_cast<int>(options.heads),
          static_cast<int>(width),
          static_cast<int>(window),
          static_cast<int>(sequences.longest)};
}

/// Blocks for all pairs, each of them `parts` times.
[[nodiscard]] inline grid_size pairs_grid(const attention_work& work, const attention_teams& teams,
                                          index_t parts) {
  const index_t pairs = checked_mul(work.offsets.size - 1, work.heads);
  return {.x = (pairs + teams.pairs - 1) / teams.pairs, .y = parts};
}

/// call(integral_constant) of the least width the kernels are built for that holds a head.
template <class Call>
void with_head_width(int width, const Call& call) {
  if (width <= 32) return call(std::integral_constant<int, 32>{});
  if (width <= 64) return call(std::integral_constant<int, 64>{});
  if (width <= 96) return call(std::integral_constant<int, 96>{});
  if (width <= 128) return call(std::integral_constant<int, 128>{});
  call(std::integral_constant<int, 256>{});
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
