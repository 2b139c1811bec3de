// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The adjoints' products of copied rows with packed weights, once per instruction set.
///
/// The weights lie as the forward reads them, so 32 input channels of a piece of the outputs are turned at a
/// time; while the rows of dy pass by, the next such piece is asked for.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// to[n][c] = W[output, channel + part.column + c] for the part's outputs, of their tap, and up to 32 input
/// channels.
DNALM_ISA_FUNCTION void unpack_columns(const turned_weight& w, const turned_part& part, float* to) {
  const index_t columns = part.columns(w);
  alignas(64) float expanded[(panel_columns + 2) * panel_columns];
  for (index_t n = 0; n < part.count;) {
    const panel_run run = outputs_from(w, part.first + n, part.first + part.count);
    const index_t first = run.channel + part.column;
    const float* panel = reinterpret_cast<const float*>(w.packed.panel(run.p)) + first * panel_columns;
    if (w.packed.format != weight_format::f32) {
      const index_t odd = first % 2;  // pairs begin at even channels
      expand_to_floats(w.packed, run.p, first - odd, columns + odd, expanded);
      panel = expanded + odd * panel_columns;
    }
    float* rows = to + n * panel_columns;
    transpose(panel + run.column, panel_columns, columns, run.count, rows, panel_columns);
    n += run.count;
    if (w.packed.scales.size() == 0) continue;
    const float* scales = w.packed.scales.data() + run.p * panel_columns + run.column;
    for (index_t i = 0; i < run.count; ++i) {
      for (index_t c = 0; c < columns; ++c) rows[i * panel_columns + c] *= scales[i];
    }
  }
}

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

/// dx = residual + dy W for 32 columns of dx and a block of rows that copy_rows has copied.
DNALM_ISA_FUNCTION void linear_vjp_columns(const linear_memory& memory, const turned_weight& w,
                                           index_t column, matrix_view<const float> residual,
                                           matrix_view<float> dx) {
  const index_t tiles = (dx.rows + tile_rows - 1) / tile_rows;
  turned_part part = first_part(w, column);
  const float* x = memory.rows;
  while (true) {
    unpack_columns(w, part, memory.panel);
    const turned_part next = part_behind(w, part);
    const bool last = part.first + part.count == w.depth();
    for (index_t row = 0; row < dx.rows; row += tile_rows, x += tile_rows * row_words) {
      fetch_part(w, next, row / tile_rows, tiles);
      const index_t rows = dx.rows - row < tile_rows ? dx.rows - row : tile_rows;
      float* sums = memory.sums + row * panel_columns;
      multiply(false, rows, x, memory.panel, part.count, part.first > 0, sums,
               next_rows(x, rows, part.count));
      if (!last) continue;
      finish_vjp_tile(sums, column, rows_or_none(residual, row, rows), dx.row_block(row, rows));
    }
    if (last) return;
    x = memory.rows + next.first / depth_words * dx.rows * row_words;
    part = next;
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
