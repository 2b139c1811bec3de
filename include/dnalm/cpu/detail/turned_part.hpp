// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which part of a packed weight the adjoint of a product turns at a time, and how it is asked for.
#pragma once

#include <algorithm>
#include <cstddef>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/cpu/packed_weight.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// W of a product (one tap), or of a convolution whose taps the adjoint passes in reverse order.
struct turned_weight {
  const packed_weight& packed;
  index_t taps = 1;
  index_t piece = depth_words;  ///< numbers that a part holds at most: twice as many as pairs
  /// Input channels of a tap.
  [[nodiscard]] index_t inputs() const { return packed.inputs / taps; }
  /// Numbers of a row that the adjoint multiplies: the outputs, tap after tap.
  [[nodiscard]] index_t depth() const { return packed.outputs * taps; }
};

/// Whether the adjoint rounds its rows to bfloat16, as the forward does its own.
[[nodiscard]] inline bool rounds_turned(const packed_weight& w) {
  return w.format == weight_format::bf16;
}
/// Whether it may multiply pairs of outputs: no pair lies half in one tap or gate and half in the next, and
/// the panels' pairs of input channels begin where a tap does.
[[nodiscard]] inline bool turns_pairs(const packed_weight& w, index_t taps) {
  const index_t together = w.gated ? 4 : 2;
  return rounds_turned(w) && w.outputs % together == 0 && (taps == 1 || w.inputs / taps % 2 == 0);
}

/// Neighbouring outputs of one tap that lie side by side in a panel, from column `column` on; the tap's input
/// channels begin at `channel`.
struct panel_run {
  index_t p;
  index_t column;
  index_t count;
  index_t channel;
};

/// Numbers [n, end) as far as one half panel holds them.
[[nodiscard]] inline panel_run outputs_from(const turned_weight& turned, index_t n, index_t end) {
  const packed_weight& w = turned.packed;
  const index_t tap = n / w.outputs;
  const index_t output = n - tap * w.outputs;
  const index_t which = w.gated ? output / (w.outputs / 2) : output / half_columns % 2;
  const index_t p = w.gated ? (output - which * (w.outputs / 2)) / half_columns : output / panel_columns;
  const half_panel half = w.half(p, which);
  const index_t skipped = output - half.first;
  return {p, which * half_columns + skipped, std::min(half.count - skipped, end - n),
          (turned.taps - 1 - tap) * turned.inputs()};
}

/// Numbers [first, first + count) of the depth and up to 32 input channels from `column` on.
struct turned_part {
  index_t column = 0;
  index_t first = 0;
  index_t count = 0;
  [[nodiscard]] index_t columns(const turned_weight& w) const {
    return std::min(w.inputs() - column, panel_columns);
  }
};

[[nodiscard]] inline turned_part first_part(const turned_weight& w, index_t column) {
  return {column, 0, std::min(w.depth(), w.piece)};
}
/// Of the same channels, else of the next; behind the last one nothing.
[[nodiscard]] inline turned_part part_behind(const turned_weight& w, const turned_part& part) {
  const index_t done = part.first + part.count;
  if (done < w.depth()) return {part.column, done, std::min(w.depth() - done, w.piece)};
  if (part.column + panel_columns < w.inputs()) return first_part(w, part.column + panel_columns);
  return {};
}

// Compilers may take a function that does nothing but prefetch for one without effect and drop its calls, so
// these two must be inlined.

/// Asks for the half panel in which number n lies, as far as the part's channels go: 64 bytes of each channel
/// in f32; the other formats have both halves in a line.
__attribute__((always_inline)) inline void fetch_half(const turned_weight& w, const turned_part& part,
                                                      index_t n) {
  const weight_format format = w.packed.format;
  const index_t number = format == weight_format::f32 ? 4 : format == weight_format::bf16 ? 2 : 1;
  const index_t channel = panel_columns * number;
  const panel_run run = outputs_from(w, n, n + 1);
  const std::byte* from = w.packed.panel(run.p) + (run.channel + part.column) * channel;
  if (number == 4) from += run.column * number;
  const index_t end = part.columns(w) * channel;
  for (index_t at = 0; at < end; at += std::max<index_t>(channel, 64)) __builtin_prefetch(from + at, 0, 2);
}

/// The last few of `tiles` tiles ask for the part, tile `tile` for its share: what comes earlier has left the
/// second-level cache again, through which the rows stream, when it is needed.
__attribute__((always_inline)) inline void fetch_part(const turned_weight& w, const turned_part& part,
                                                      index_t tile, index_t tiles) {
  const index_t halves = (part.count + half_columns - 1) / half_columns;
  const index_t fetching = std::min<index_t>(tiles, 12);
  const index_t place = tile - (tiles - fetching);
  if (place < 0) return;
  for (index_t h = halves * place / fetching; h < halves * (place + 1) / fetching; ++h) {
    fetch_half(w, part, part.first + h * half_columns);
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
