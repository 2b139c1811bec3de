// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Adjoints of convolutions that make two rows at a time, once per instruction set.
///
/// The adjoint is a convolution of dy with the taps in reverse order and every tap's matrix turned. Whole
/// groups of three taps stay groups, so its second form is that of the forward: the groups in reverse order,
/// the parts of g0 and g2 exchanged, the two of all three taps as they are, each matrix turned. No tap is
/// summed again. unpack_columns passes the forward's 4 groups in reverse order, as if they were taps; so m1
/// and m2 change places (part_of_forward).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// The second form of the adjoint's weight, panel after panel. `w` is that of the forward.
DNALM_ISA_FUNCTION void turn_two_rows(const turned_weight& w, float* to) {
  const index_t depth = w.depth() / two_row_parts;
  for (index_t column = 0; column < w.inputs(); column += panel_columns) {
    for (index_t part = 0; part < two_row_parts; ++part) {
      unpack_columns(w, {column, part_of_forward(part) * depth, depth}, to);
      to += depth * panel_columns;
    }
  }
}

/// Narrow ones: dx's rows, those of the input from `begin` on. All of the weight is turned before.
DNALM_ISA_FUNCTION void two_row_phases_vjp(const convolution_rows& rows, index_t begin,
                                           const turned_weight& w, matrix_view<const float> residual,
                                           float* scratch, matrix_view<float> dx) {
  turn_two_rows(w, scratch);
  const packed_weight turned = turned_two_rows(w, scratch);
  linear_epilogue<float> add_residual;
  add_residual.residual = residual;
  two_rows_by_phases(rows, begin, turned, add_residual, scratch + turned_two_rows_size(w), dx);
}

/// sums[part][pair][32] of the input channels from `column` on. A piece of the weight is turned at a time,
/// while the next one is asked for.
DNALM_ISA_FUNCTION void multiply_turned_pairs(const turned_weight& w, index_t column, index_t count,
                                              const two_row_memory& memory) {
  const index_t tiles = (count + tile_rows - 1) / tile_rows;
  const index_t pieces = two_row_pieces(w.depth() / two_row_parts);
  for (index_t i = 0; i < two_row_parts * pieces; ++i) {
    const index_t part = i / pieces;
    const turned_part now = piece_of_two_rows(w, column, i);
    const turned_part next = piece_of_two_rows(w, column, i + 1);
    unpack_columns(w, now, memory.panel);
    const float* x = memory.rows + part * memory.part_words + i % pieces * memory.block * row_words;
    float* sums = memory.sums + part * memory.block * panel_columns;
    for (index_t row = 0; row < count; row += tile_rows, x += tile_rows * row_words) {
      fetch_part(w, next, row / tile_rows, tiles);
      const index_t n = count - row < tile_rows ? count - row : tile_rows;
      product_panel(n, x, row_words, memory.panel, panel_columns, now.count, sums + row * panel_columns,
                    panel_columns, i % pieces > 0, next_rows(x, n, now.count));
    }
  }
}

/// The others.
DNALM_ISA_FUNCTION void two_row_blocks_vjp(const convolution_rows& rows, index_t begin,
                                           const turned_weight& w, matrix_view<const float> residual,
                                           float* scratch, matrix_view<float> dx) {
  const index_t depth = w.depth() / two_row_parts;
  const two_row_memory memory = divide_two_row_memory(depth, two_row_vjp_block(depth), scratch);
  const auto multiply = [&](index_t p, index_t pairs) {
    multiply_turned_pairs(w, p * panel_columns, pairs, memory);
  };
  const auto finish = [&](index_t p, const pair_run& run, const float* out) {
    finish_vjp_tile(out, p * panel_columns, rows_or_none(residual, run.row, run.rows),
                    dx.row_block(run.row, run.rows));
  };
  two_row_blocks(rows, begin, dx.rows, panel_count(dx.columns), memory, multiply, finish);
}

/// `rows` are those of dy, with the taps reversed; `w` is the second form of the forward's weight.
DNALM_ISA_FUNCTION void two_rows_vjp(const convolution_rows& rows, index_t begin, const packed_weight& w,
                                     matrix_view<const float> residual, float* scratch,
                                     matrix_view<float> dx) {
  const turned_weight turned{w, w.inputs / dx.columns, depth_words};
  const convolution_rows whole{rows.x, rows.from, rows.to, whole_groups_behind(rows.taps)};
  if (goes_by_phases(dx.columns, w.outputs)) {
    return two_row_phases_vjp(whole, begin, turned, residual, scratch, dx);
  }
  two_row_blocks_vjp(whole, begin, turned, residual, scratch, dx);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
