// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which part of the weights the micro-kernels ask for while they multiply another.
#pragma once

#include <algorithm>
#include <cstddef>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/cpu/packed_weight.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Iteration k of a micro-kernel prefetches the cache line of from + k step into the second-level cache.
struct fetch_ahead {
  const std::byte* from = nullptr;
  index_t step = 0;  ///< bytes
};

/// Nothing ahead: a line that is used anyway.
[[nodiscard]] inline fetch_ahead stay_at(const float* line) {
  return {reinterpret_cast<const std::byte*>(line), 0};
}

/// The copied rows behind `rows` rows at x, as many, in `count` even steps, rounded down: they lie in
/// scratch, where other parts follow.
[[nodiscard]] inline fetch_ahead next_rows(const float* x, index_t rows, index_t count) {
  const index_t floats = rows * row_words;
  if (count == 0) return stay_at(x);
  return {reinterpret_cast<const std::byte*>(x + floats),
          floats * static_cast<index_t>(sizeof(float)) / count};
}

/// Words [first, first + count) of the `words` of panel p, which are multiplied now, in `tiles` tiles.
struct weight_piece {
  index_t p;
  index_t first;
  index_t count;
  index_t words;
  index_t tiles;
};

/// An even share of a piece for each tile.
struct fetch_share {
  const std::byte* from = nullptr;
  index_t count = 0;  ///< iterations of a tile
  index_t step = 0;   ///< bytes
  [[nodiscard]] fetch_ahead of_tile(index_t tile) const { return {from + tile * count * step, step}; }
};

/// What the tiles bring of the piece behind this one, so that it has come when the last tile ends: an even
/// share in even steps, rounded down, which stays inside the piece. Behind the last panel comes the first.
[[nodiscard]] inline fetch_share share_of_next(const packed_weight& w, const weight_piece& now) {
  if (now.count == 0) return {w.bytes().data(), 0, 0};
  const index_t done = now.first + now.count;
  const bool same_panel = done < now.words;
  const index_t piece = std::min(same_panel ? now.words - done : now.words, depth_words);
  const index_t word_bytes = w.panel_bytes() / now.words;
  const std::byte* next = same_panel                    ? w.panel(now.p) + done * word_bytes
                          : now.p + 1 < w.panel_count() ? w.panel(now.p + 1)
                                                        : w.panel(0);
  return {next, now.count, piece * word_bytes / (now.tiles * now.count)};
}

}  // namespace detail
DNALM_END_NAMESPACE
