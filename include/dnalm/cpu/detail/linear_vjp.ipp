// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of the adjoint of the products with weights (cpu/linear.hpp), once per instruction set.
///
/// The weights lie as the forward reads them, so 32 input channels of a piece of the outputs are turned at a
/// time; while the rows of dy pass by, the next such piece is asked for.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// to[n][c] = W[part.first + n, part.column + c] for the part's outputs and up to 32 input channels.
DNALM_ISA_FUNCTION void unpack_columns(const packed_weight& w, const turned_part& part, float* to) {
  const index_t columns = part.columns(w);
  alignas(64) float expanded[panel_columns * panel_columns];
  for (index_t n = 0; n < part.count;) {
    const panel_run run = outputs_from(w, part.first + n, part.first + part.count);
    const float* panel = reinterpret_cast<const float*>(w.panel(run.p)) + part.column * panel_columns;
    if (w.format != weight_format::f32) {
      expand_to_floats(w, run.p, part.column, columns, expanded);
      panel = expanded;
    }
    float* rows = to + n * panel_columns;
    transpose(panel + run.column, panel_columns, columns, run.count, rows, panel_columns);
    n += run.count;
    if (w.scales.size() == 0) continue;
    const float* scales = w.scales.data() + run.p * panel_columns + run.column;
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
DNALM_ISA_FUNCTION void linear_vjp_columns(const linear_memory& memory, const packed_weight& w,
                                           index_t column, matrix_view<const float> residual,
                                           matrix_view<float> dx) {
  const index_t tiles = (dx.rows + tile_rows - 1) / tile_rows;
  turned_part part = first_part(w, column);
  const float* x = memory.rows;
  while (true) {
    unpack_columns(w, part, memory.panel);
    const turned_part next = part_behind(w, part);
    const bool last = part.first + part.count == w.outputs;
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

/// Numbers of row r, outputs [first, first + n), to where copy_rows puts them in a block of `rows` rows.
DNALM_ISA_FUNCTION void place_outputs(const float* from, index_t first, index_t n, index_t rows, index_t r,
                                      float* to) {
  while (n > 0) {
    const index_t inside = first % depth_words;
    const index_t count = n < depth_words - inside ? n : depth_words - inside;
    float* place = to + (first / depth_words * rows + r) * row_words + inside;
    __builtin_memcpy(place, from, static_cast<std::size_t>(count) * sizeof(float));
    from += count;
    first += count;
    n -= count;
  }
}

/// dz of activation_vjp or gated_vjp (w.gated) in the place of a copy of it.
DNALM_ISA_FUNCTION void make_rows(const recorded_rows& x, bool gated, float* to) {
  alignas(64) float first[depth_words];
  alignas(64) float second[depth_words];
  const index_t width = x.dy.columns;
  for (index_t r = 0; r < x.dy.rows; ++r) {
    for (index_t c = 0; c < width; c += depth_words) {
      const index_t n = width - c < depth_words ? width - c : depth_words;
      const float* z = x.z.row_data(r) + c;
      const float* dy = x.dy.row_data(r) + c;
      if (gated) {
        gated_vjp_row(z, z + width, x.function, dy, first, second, n);
        place_outputs(second, width + c, n, x.dy.rows, r, to);
      } else {
        activation_vjp_row(z, x.function, dy, first, n);
      }
      place_outputs(first, c, n, x.dy.rows, r, to);
    }
  }
}

DNALM_ISA_FUNCTION void linear_vjp(const recorded_rows& x, const packed_weight& w,
                                   matrix_view<const float> residual, float* scratch, matrix_view<float> dx) {
  const linear_memory memory = divide_linear_vjp_scratch(w, scratch);
  for (index_t block = 0; block < dx.rows; block += memory.block_rows) {
    const index_t rows = dx.rows - block < memory.block_rows ? dx.rows - block : memory.block_rows;
    const recorded_rows part = x.row_block(block, rows);
    if (part.z.data == nullptr) {
      copy_rows(part.dy, false, memory.rows);
    } else {
      make_rows(part, w.gated, memory.rows);
    }
    for (index_t column = 0; column < w.inputs; column += panel_columns) {
      linear_vjp_columns(memory, w, column, rows_or_none(residual, block, rows), dx.row_block(block, rows));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
