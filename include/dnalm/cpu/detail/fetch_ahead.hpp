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

/// Of the piece of weights behind the first `done` words of panel p: what tile `tile` of `tiles` brings. So
/// the next piece has come from memory when the last tile ends. Behind the last panel comes the first one.
[[nodiscard]] inline fetch_ahead part_of_next(const packed_weight& w, index_t p, index_t words, index_t done,
                                              index_t tile, index_t tiles) {
  const index_t word_bytes = w.panel_bytes() / words;
  const index_t piece = std::min(words, depth_words);
  const bool wraps = done == words && p + 1 == w.panel_count();
  const std::byte* next = wraps ? w.panel(0) : w.panel(p) + done * word_bytes;
  const index_t step = word_bytes / tiles;
  return {next + tile * piece * step, step};
}

}  // namespace detail
DNALM_END_NAMESPACE
