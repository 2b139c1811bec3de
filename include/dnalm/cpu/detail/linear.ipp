// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/linear.hpp, once per instruction set.
///
/// A block of rows is copied (and, if the format asks for it, rounded) into scratch, cut into pieces of k
/// that fit the first-level cache together with a tile's part of a panel; then all panels pass by.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

#if !DNALM_ISA_HAS_PAIRS
/// x[k] rounded to bfloat16 for k < n, as floats.
DNALM_ISA_FUNCTION void round_row(const float* x, index_t n, float* to) {
  for (index_t k = 0; k < n; ++k) to[k] = float_from_bf16(bf16_from_float(x[k]));
}
#endif

/// The rows of x as [piece of k][row][row_words]; a word is a float, or a pair of bfloat16.
DNALM_ISA_FUNCTION void copy_rows(matrix_view<const float> x, bool rounded, float* to) {
  const index_t piece = depth_words * (rounded && DNALM_ISA_HAS_PAIRS ? 2 : 1);
  for (index_t first = 0; first < x.columns; first += piece) {
    const index_t count = x.columns - first < piece ? x.columns - first : piece;
    for (index_t r = 0; r < x.rows; ++r, to += row_words) {
      const float* from = x.row_data(r) + first;
      if (rounded) {
        round_row(from, count, to);
      } else {
        __builtin_memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float));
      }
    }
  }
}

/// Words [first, first + count) of a panel as the products read them: where they lie, or from `expanded`.
DNALM_ISA_FUNCTION const float* panel_words(const packed_weight& w, index_t p, index_t first, index_t count,
                                            float* expanded) {
  const bool as_is =
      w.format == weight_format::f32 || (w.format == weight_format::bf16 && DNALM_ISA_HAS_PAIRS);
  if (as_is) return reinterpret_cast<const float*>(w.panel(p)) + first * panel_columns;
#if DNALM_ISA_HAS_PAIRS
  expand_to_pairs(w, p, first, count, expanded);
#else
  expand_to_floats(w, p, first, count, expanded);
#endif
  return expanded;
}

/// sums[r, c] (+)= a piece of the product of up to tile_rows rows and a panel.
DNALM_ISA_FUNCTION void multiply(bool pairs, index_t rows, const float* x, const float* panel, index_t words,
                                 bool more, float* sums, fetch_ahead next) {
#if DNALM_ISA_HAS_PAIRS
  if (pairs) {
    pairs_rows<tile_rows, 2>(rows, x, row_words, panel, words, more, sums, panel_columns, next);
    return;
  }
#else
  static_cast<void>(pairs);
#endif
  product_panel(rows, x, row_words, panel, panel_columns, words, sums, panel_columns, more, next);
}

/// One panel for a block of rows that copy_rows has copied to memory.rows.
DNALM_ISA_FUNCTION void linear_panel(const linear_memory& memory, const packed_weight& w, index_t p,
                                     bool join, const linear_epilogue<float>& epilogue,
                                     matrix_view<float> y) {
  const bool pairs = DNALM_ISA_HAS_PAIRS && w.format != weight_format::f32;
  const index_t words = pairs ? (w.inputs + 1) / 2 : w.inputs;
  const float* x = memory.rows;
  index_t first = 0;
  do {
    const index_t count = words - first < depth_words ? words - first : depth_words;
    const float* panel = panel_words(w, p, first, count, memory.panel);
    const bool last = first + count == words;
    const fetch_share share =
        share_of_next(w, {p, first, count, words, (y.rows + tile_rows - 1) / tile_rows});
    for (index_t row = 0; row < y.rows; row += tile_rows, x += tile_rows * row_words) {
      const index_t rows = y.rows - row < tile_rows ? y.rows - row : tile_rows;
      float* sums = memory.sums + row * panel_columns;
      multiply(pairs, rows, x, panel, count, first > 0, sums, share.of_tile(row / tile_rows));
      if (!last) continue;
      linear_epilogue<float> part = epilogue;
      if (part.residual.data != nullptr) part.residual = part.residual.row_block(row, rows);
      finish_panel(sums, w, p, join, part, y.row_block(row, rows));
    }
    x = memory.rows + (first / depth_words + 1) * y.rows * row_words;
    first += count;
  } while (first < words);
}

DNALM_ISA_FUNCTION void linear(matrix_view<const float> x, const packed_weight& w, bool join,
                               const linear_epilogue<float>& epilogue, float* scratch, matrix_view<float> y) {
  const linear_memory memory = divide_linear_scratch(w, scratch);
  for (index_t block = 0; block < x.rows; block += memory.block_rows) {
    const index_t rows = x.rows - block < memory.block_rows ? x.rows - block : memory.block_rows;
    copy_rows(x.row_block(block, rows), w.format != weight_format::f32, memory.rows);
    linear_epilogue<float> part = epilogue;
    if (part.residual.data != nullptr) part.residual = part.residual.row_block(block, rows);
    for (index_t p = 0; p < w.panel_count(); ++p) {
      linear_panel(memory, w, p, join, part, y.row_block(block, rows));
    }
  }
}

/// to[n][c] = W[n, first + c] for all outputs n and up to 32 input channels.
DNALM_ISA_FUNCTION void unpack_columns(const packed_weight& w, index_t first, float* to) {
  const index_t columns = w.inputs - first < panel_columns ? w.inputs - first : panel_columns;
  alignas(64) float expanded[panel_columns * panel_columns];
  for (index_t p = 0; p < w.panel_count(); ++p) {
    fetch_part(w, p + unpack_ahead, first, columns);
    const float* panel = reinterpret_cast<const float*>(w.panel(p)) + first * panel_columns;
    if (w.format != weight_format::f32) {
      expand_to_floats(w, p, first, columns, expanded);
      panel = expanded;
    }
    for (index_t which = 0; which < 2; ++which) {
      const half_panel half = w.half(p, which);
      float* rows = to + half.first * panel_columns;
      transpose(panel + which * half_columns, panel_columns, columns, half.count, rows, panel_columns);
      if (w.scales.size() == 0) continue;
      const float* scales = w.scales.data() + p * panel_columns + which * half_columns;
      for (index_t n = 0; n < half.count; ++n) {
        for (index_t c = 0; c < columns; ++c) rows[n * panel_columns + c] *= scales[n];
      }
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
    finish_half(sums + begin, nullptr, {first, rest < half_columns ? rest : half_columns}, add_residual, dx);
  }
}

/// dx = residual + dy W for 32 columns of dx and a block of rows that copy_rows has copied.
DNALM_ISA_FUNCTION void linear_vjp_columns(const linear_memory& memory, index_t outputs, index_t column,
                                           matrix_view<const float> residual, matrix_view<float> dx) {
  index_t first = 0;
  do {
    const index_t count = outputs - first < depth_words ? outputs - first : depth_words;
    const float* dy = memory.rows + first / depth_words * dx.rows * row_words;
    for (index_t row = 0; row < dx.rows; row += tile_rows) {
      const index_t rows = dx.rows - row < tile_rows ? dx.rows - row : tile_rows;
      const float* x = dy + row * row_words;
      float* sums = memory.sums + row * panel_columns;
      multiply(false, rows, x, memory.panel + first * panel_columns, count, first > 0, sums,
               next_rows(x, rows, count));
      if (first + count < outputs) continue;
      const matrix_view<const float> added =
          residual.data == nullptr ? residual : residual.row_block(row, rows);
      finish_vjp_tile(sums, column, added, dx.row_block(row, rows));
    }
    first += count;
  } while (first < outputs);
}

DNALM_ISA_FUNCTION void linear_vjp(matrix_view<const float> dy, const packed_weight& w,
                                   matrix_view<const float> residual, float* scratch, matrix_view<float> dx) {
  const linear_memory memory = divide_linear_vjp_scratch(w, scratch);
  for (index_t block = 0; block < dx.rows; block += memory.block_rows) {
    const index_t rows = dx.rows - block < memory.block_rows ? dx.rows - block : memory.block_rows;
    copy_rows(dy.row_block(block, rows), false, memory.rows);
    const matrix_view<const float> added =
        residual.data == nullptr ? residual : residual.row_block(block, rows);
    for (index_t column = 0; column < w.inputs; column += panel_columns) {
      unpack_columns(w, column, memory.panel);
      linear_vjp_columns(memory, w.outputs, column, added, dx.row_block(block, rows));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
