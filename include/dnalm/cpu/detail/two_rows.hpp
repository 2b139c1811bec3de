// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Convolutions that make two rows at a time (pack_convolution): their weights and memory.
#pragma once

#include <algorithm>
#include <cstddef>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/cpu/detail/turned_part.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// m0 ... m3.
inline constexpr index_t two_row_parts = 4;

[[nodiscard]] constexpr index_t groups_of_three(index_t taps) {
  return (taps + 2) / 3;
}

/// Whether a convolution's sums of rows are made once and multiplied where they lie (two_row_phases.ipp).
[[nodiscard]] constexpr bool goes_by_phases(index_t inputs, index_t outputs) {
  return outputs <= 64 && inputs <= 256;
}

/// Whether two rows at a time need at most nine tenths of the products, and sums beside them are few.
[[nodiscard]] inline bool saves_by_two_rows(matrix_view<const float> w, const convolution_taps& taps) {
  constexpr index_t least_channels = 32;
  const index_t inputs = w.columns / taps.taps;
  const bool plain = taps.stride == 1 && (taps.dilation == 1 || goes_by_phases(inputs, w.rows));
  const bool fewer = 10 * two_row_parts * groups_of_three(taps.taps) <= 9 * 2 * taps.taps;
  return plain && fewer && w.rows >= least_channels && inputs >= least_channels;
}

/// (out, 4 groups in) of W (out, taps in): for part p, group j, channel c at (p groups + j) in + c what the
/// sum of rows is multiplied with; taps beyond the last are zeros.
[[nodiscard]] inline matrix<float> two_row_weight(matrix_view<const float> w, index_t taps) {
  const index_t groups = groups_of_three(taps);
  const index_t inputs = w.columns / taps;
  matrix<float> sums(w.rows, checked_mul(two_row_parts * groups, inputs));
  for (index_t n = 0; n < w.rows; ++n) {
    for (index_t j = 0; j < groups; ++j) {
      const float* taps_of_group = w.row_data(n) + 3 * j * inputs;
      float* to = sums.data() + n * sums.columns() + j * inputs;
      const index_t left = taps - 3 * j;
      for (index_t c = 0; c < inputs; ++c, ++to) {
        const auto g = [&](index_t t) {
          return t < left ? static_cast<double>(taps_of_group[t * inputs + c]) : 0.0;
        };
        to[0] = static_cast<float>(g(0));
        to[groups * inputs] = static_cast<float>((g(0) + g(1) + g(2)) / 2);
        to[2 * groups * inputs] = static_cast<float>((g(0) - g(1) + g(2)) / 2);
        to[3 * groups * inputs] = static_cast<float>(g(2));
      }
    }
  }
  return sums;
}

/// Where the parts of the scratch lie.
struct two_row_memory {
  index_t block = 0;       ///< pairs of rows that are multiplied with all panels before the next ones
  index_t part_words = 0;  ///< floats of the rows of one part
  float* rows = nullptr;   ///< [part][piece of k][pair][row_words]
  float* sums = nullptr;   ///< [part][pair][32]
  float* out = nullptr;    ///< [row][32]
  float* zeros = nullptr;  ///< a row of the input
  float* panel = nullptr;  ///< of an adjoint: a piece of the weight that is turned
};

/// `depth` numbers of each part.
[[nodiscard]] inline index_t two_row_pieces(index_t depth) {
  return (depth + depth_words - 1) / depth_words;
}
[[nodiscard]] inline index_t two_row_block(index_t depth) {
  return std::clamp<index_t>(256 / std::max<index_t>(two_row_pieces(depth), 1) / 12 * 12, 36, 84);
}
/// More of the adjoint, which turns the weight anew for every block: up to 10 MB that stream, as of the
/// single chain (linear_rows).
[[nodiscard]] inline index_t two_row_vjp_block(index_t depth) {
  return std::clamp<index_t>(1152 / std::max<index_t>(two_row_pieces(depth), 1) / 12 * 12, 36, 288);
}
[[nodiscard]] inline two_row_memory divide_two_row_memory(index_t depth, index_t block, float* scratch) {
  two_row_memory memory;
  memory.block = block;
  memory.part_words = two_row_pieces(depth) * memory.block * row_words;
  memory.rows = scratch;
  memory.sums = memory.rows + two_row_parts * memory.part_words;
  memory.out = memory.sums + two_row_parts * memory.block * panel_columns;
  memory.zeros = memory.out + 2 * memory.block * panel_columns;
  memory.panel = memory.zeros + depth;
  return memory;
}
/// Without a panel. A row of the input has at most as many numbers as a part.
[[nodiscard]] inline index_t two_row_scratch_size(index_t depth, index_t block) {
  const index_t rows = checked_mul(two_row_parts * block, checked_mul(two_row_pieces(depth), row_words));
  return checked_add(checked_add(rows, (two_row_parts + 2) * block * panel_columns), depth);
}

/// Pairs of a phase whose rows are summed at a time (two_row_phases.ipp): what they read stays near the
/// first-level cache.
inline constexpr index_t phase_block = 48;

/// Rows of a phase that `count` pairs read, two less: so many sums of each kind are made.
[[nodiscard]] constexpr index_t phase_places(index_t count, index_t groups) {
  return 2 * count + 3 * groups - 2;
}

/// Where the parts of the scratch lie; of each kind a row of the input's channels after the other.
struct phase_memory {
  float* apart = nullptr;       ///< d_u - d_(u+2)
  float* sum = nullptr;         ///< d_u + d_(u+1)
  float* difference = nullptr;  ///< d_(u+1) - d_u
  float* products = nullptr;    ///< [part][pair][32]
  float* out = nullptr;         ///< [row][32]
  float* zeros = nullptr;       ///< a row of the input
};

[[nodiscard]] inline phase_memory divide_phase_memory(index_t channels, index_t groups, float* scratch) {
  const index_t each = phase_places(phase_block, groups) * channels;
  phase_memory memory;
  memory.apart = scratch;
  memory.sum = memory.apart + each;
  memory.difference = memory.sum + each;
  memory.products = memory.difference + each;
  memory.out = memory.products + two_row_parts * phase_block * panel_columns;
  memory.zeros = memory.out + 2 * phase_block * panel_columns;
  return memory;
}
[[nodiscard]] inline index_t phase_memory_size(index_t channels, index_t groups) {
  const index_t each = checked_mul(phase_places(phase_block, groups), channels);
  return checked_add(checked_mul(3, each),
                     checked_add((two_row_parts + 2) * phase_block * panel_columns, channels));
}
/// For the ordinary form of a weight: at least three taps, at most as many channels as a part has numbers.
[[nodiscard]] inline index_t phase_scratch_size(const packed_weight& w) {
  const index_t depth = w.two_rows->inputs / two_row_parts;
  const index_t channels = std::min(depth, w.inputs / 3);
  const index_t each = checked_add(checked_mul(2 * phase_block, channels), checked_mul(3, depth));
  return checked_add(checked_mul(3, each),
                     checked_add((two_row_parts + 2) * phase_block * panel_columns, channels));
}

/// The taps of an adjoint, those of the forward reversed, where the last group of the forward's is filled
/// with taps of zeros: the adjoint's first ones.
[[nodiscard]] inline convolution_taps whole_groups_behind(convolution_taps reversed) {
  const index_t taps = 3 * groups_of_three(reversed.taps);
  reversed.before += (taps - reversed.taps) * reversed.dilation;
  reversed.taps = taps;
  return reversed;
}

/// Which part of the forward's second form, its groups in reverse order, part p of the adjoint's is.
[[nodiscard]] constexpr index_t part_of_forward(index_t p) {
  return p == 0 || p == 3 ? p : 3 - p;
}
/// Piece `i` of the adjoint's second form for the channels from `column` on, each part in two_row_pieces;
/// behind the last one the first of the next channels, else nothing.
[[nodiscard]] inline turned_part piece_of_two_rows(const turned_weight& w, index_t column, index_t i) {
  const index_t depth = w.depth() / two_row_parts;
  const index_t pieces = two_row_pieces(depth);
  if (i == two_row_parts * pieces) {
    i = 0;
    column += panel_columns;
    if (column >= w.inputs()) return {};
  }
  const index_t first = i % pieces * depth_words;
  return {column, part_of_forward(i / pieces) * depth + first, std::min(depth - first, depth_words)};
}

/// Floats of the adjoint's second form.
[[nodiscard]] inline index_t turned_two_rows_size(const turned_weight& w) {
  return checked_mul(w.depth(), panel_count(w.inputs()) * panel_columns);
}
/// It, where it lies (turn_two_rows).
[[nodiscard]] inline packed_weight turned_two_rows(const turned_weight& w, const float* panels) {
  packed_weight turned;
  turned.outputs = w.inputs();
  turned.inputs = w.depth();
  const auto bytes = static_cast<std::size_t>(turned_two_rows_size(w)) * sizeof(float);
  turned.mapped = {reinterpret_cast<const std::byte*>(panels), bytes};
  return turned;
}
/// For the second form of the forward's weight, of `inputs` channels.
[[nodiscard]] inline index_t two_rows_vjp_scratch_size(const packed_weight& w, index_t inputs) {
  const turned_weight turned{w, w.inputs / inputs};
  if (goes_by_phases(inputs, w.outputs)) {
    const index_t groups = turned.taps / two_row_parts;
    return checked_add(turned_two_rows_size(turned), phase_memory_size(w.outputs, groups));
  }
  const index_t depth = turned.depth() / two_row_parts;
  return checked_add(two_row_scratch_size(depth, two_row_vjp_block(depth)), depth_words * panel_columns);
}

/// Every `step`-th row of a matrix, from its first; of a missing one (data null) none.
template <class T>
[[nodiscard]] matrix_view<T> every_row(matrix_view<T> x, index_t step) {
  return {x.data, (x.rows + step - 1) / step, x.columns, x.stride * step};
}

/// Rows that a team's member makes at least at a time, where there are so many: those at both ends of a part
/// may be made twice.
inline constexpr index_t two_row_part_rows = 960;

/// Rows of one sequence among those that a call makes: `i` ... `end` - 1 of the sequence.
struct sequence_rows {
  index_t sequence = 0;
  index_t i = 0;
  index_t end = 0;
};

/// Those that begin with output row `row`, at most `most`.
[[nodiscard]] inline sequence_rows sequence_rows_from(const ragged_offsets& to, index_t row, index_t most) {
  const auto& all = to.offsets;
  const index_t sequence = std::upper_bound(all.begin(), all.end(), row) - all.begin() - 1;
  const index_t i = row - to.begin(sequence);
  return {sequence, i, std::min(to.length(sequence), i + most)};
}

/// Pairs of one sequence that follow each other in a block, and the output's rows that are kept of them.
struct pair_run {
  index_t sequence = 0;
  index_t pair = 0;  ///< the first one, of the sequence
  index_t pairs = 0;
  index_t place = 0;    ///< pairs before them in the block
  index_t skipped = 0;  ///< 1: the first row of the first pair is left out
  index_t row = 0;      ///< the first row of those that the call makes
  index_t rows = 0;
};

/// work(run) for the runs of the block of at most `block` pairs that begins with row `row` of those a call
/// makes, of which the last one is row `end` - 1; the call's first row is row `begin` of the output. Returns
/// the row behind the block.
template <class Work>
index_t for_pair_runs(const ragged_offsets& to, index_t begin, index_t row, index_t end, index_t block,
                      Work&& work) {
  for (index_t place = 0; row < end && place < block;) {
    const sequence_rows own = sequence_rows_from(to, begin + row, end - row);
    const index_t pair = own.i / 2;
    const index_t pairs = std::min((own.end + 1) / 2 - pair, block - place);
    const index_t rows = std::min(2 * (pair + pairs), own.end) - own.i;
    work(pair_run{own.sequence, pair, pairs, place, own.i % 2, row, rows});
    place += pairs;
    row += rows;
  }
  return row;
}

}  // namespace detail
DNALM_END_NAMESPACE
