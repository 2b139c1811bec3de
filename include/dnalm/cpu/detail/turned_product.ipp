// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The adjoints' products of copied rows with packed weights, once per instruction set.
///
/// The weights lie as the forward reads them, so 32 input channels of a piece of the outputs are turned at a
/// time (unpack_columns, of floats or of pairs); while the rows of dy pass by, the next such piece is asked
/// for.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// dx = residual + sums for some rows and 32 columns from `column` on.
DNALM_ISA_FUNCTION void finish_vjp_tile(const float* sums, index_t column, matrix_view<const float> residual,
                                        matrix_view<float> dx) {
  linear_epilogue<float> add_residual;
  add_residual.residual = residual;
  for (index_t begin = 0; begin < panel_columns && column + begin < dx.columns; begin += half_columns) {
    const index_t first = column + begin;
    const index_t rest = dx.columns - first;
    finish_half(sums + begin, nullptr, {first, rest < half_columns ? rest : half_columns}, add_residual, {},
                dx);
  }
}

/// dx = residual + dy W for 32 columns of dx and a block of rows that copy_rows has copied, w.piece numbers
/// to a row of scratch.
DNALM_ISA_FUNCTION void linear_vjp_columns(const linear_memory& memory, const turned_weight& w,
                                           index_t column, matrix_view<const float> residual,
                                           matrix_view<float> dx) {
  const index_t tiles = (dx.rows + tile_rows - 1) / tile_rows;
  const bool pairs = w.piece > depth_words;
  turned_part part = first_part(w, column);
  const float* x = memory.rows;
  while (true) {
    unpack_columns(w, part, memory.panel);
    const turned_part next = part_behind(w, part);
    const bool last = part.first + part.count == w.depth();
    const index_t words = pairs ? part.count / 2 : part.count;
    for (index_t row = 0; row < dx.rows; row += tile_rows, x += tile_rows * row_words) {
      fetch_part(w, next, row / tile_rows, tiles);
      const index_t rows = dx.rows - row < tile_rows ? dx.rows - row : tile_rows;
      float* sums = memory.sums + row * panel_columns;
      multiply(pairs, rows, x, memory.panel, words, part.first > 0, sums, next_rows(x, rows, words));
      if (!last) continue;
      finish_vjp_tile(sums, column, rows_or_none(residual, row, rows), dx.row_block(row, rows));
    }
    if (last) return;
    x = memory.rows + next.first / w.piece * dx.rows * row_words;
    part = next;
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
