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
                                     bool join, const linear_epilogue<float>& epilogue, matrix_view<float> z,
                                     matrix_view<float> y) {
  const bool pairs = DNALM_ISA_HAS_PAIRS && w.format != weight_format::f32;
  const index_t words = pairs ? (w.inputs + 1) / 2 : w.inputs;
  const float* x = memory.rows;
  index_t first = 0;
  do {
    const index_t count = words - first < depth_words ? words - first : depth_words;
    // Without inputs there is no panel, and no word is read.
    const float* panel = count > 0 ? panel_words(w, p, first, count, memory.panel) : memory.sums;
    const bool last = first + count == words;
    const fetch_share share =
        share_of_next(w, {p, first, count, words, (y.rows + tile_rows - 1) / tile_rows});
    for (index_t row = 0; row < y.rows; row += tile_rows, x += tile_rows * row_words) {
      const index_t rows = y.rows - row < tile_rows ? y.rows - row : tile_rows;
      float* sums = memory.sums + row * panel_columns;
      multiply(pairs, rows, x, panel, count, first > 0, sums, share.of_tile(row / tile_rows));
      if (!last) continue;
      linear_epilogue<float> part = epilogue;
      part.residual = rows_or_none(part.residual, row, rows);
      finish_panel(sums, w, p, join, part, rows_or_none(z, row, rows), y.row_block(row, rows));
    }
    x = memory.rows + (first / depth_words + 1) * y.rows * row_words;
    first += count;
  } while (first < words);
}

DNALM_ISA_FUNCTION void linear(matrix_view<const float> x, const packed_weight& w, bool join,
                               const linear_epilogue<float>& epilogue, float* scratch, matrix_view<float> z,
                               matrix_view<float> y) {
  const linear_memory memory = divide_linear_scratch(w, scratch);
  for (index_t block = 0; block < x.rows; block += memory.block_rows) {
    const index_t rows = x.rows - block < memory.block_rows ? x.rows - block : memory.block_rows;
    copy_rows(x.row_block(block, rows), w.format != weight_format::f32, memory.rows);
    linear_epilogue<float> part = epilogue;
    part.residual = rows_or_none(part.residual, block, rows);
    for (index_t p = 0; p < w.panel_count(); ++p) {
      linear_panel(memory, w, p, join, part, rows_or_none(z, block, rows), y.row_block(block, rows));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
