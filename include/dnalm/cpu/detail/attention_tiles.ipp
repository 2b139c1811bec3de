// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Packing and the two kinds of tile products (body of attention_tiles.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

DNALM_ISA_FUNCTION void pack_by_columns(matrix_view<const float> x, float* packed) {
  for (index_t row = 0; row < x.rows; row += panel_columns) {
    const index_t rows = x.rows - row < panel_columns ? x.rows - row : panel_columns;
    transpose(x.row_data(row), x.stride, rows, x.columns, packed + row * x.columns, panel_columns);
  }
}

DNALM_ISA_FUNCTION void pack_by_rows(matrix_view<const float> x, float* packed) {
  for (index_t column = 0; column < x.columns; column += panel_columns) {
    const index_t columns = x.columns - column < panel_columns ? x.columns - column : panel_columns;
    float* panel = packed + column * x.rows;
    for (index_t j = 0; j < x.rows; ++j) {
      scale_row(x.row_data(j) + column, 1.0F, panel + j * panel_columns, columns);
    }
  }
}

/// scores[r, j] = x_r . row_j for `rows` rows x_r and all j in `range` (whole panels of 32 around it) of
/// `length` packed rows of `width` channels.
DNALM_ISA_FUNCTION void tile_scores(index_t rows, const float* x, index_t x_stride, const float* by_columns,
                                    index_t length, index_t width, token_range range, float* scores,
                                    index_t score_stride) {
  for (index_t column = range.begin / panel_columns * panel_columns; column < range.end;
       column += panel_columns) {
    const index_t columns = length - column < panel_columns ? length - column : panel_columns;
    product_panel(rows, x, x_stride, by_columns + column * width, columns, width, scores + column,
                  score_stride);
  }
}

/// y[first + r] = factor[r] sum over j in `range` of weights[r, j] row_j.
DNALM_ISA_FUNCTION void tile_sums(const float* weights, index_t weight_stride, token_range range,
                                  const float* by_rows, const float* factor, index_t first, index_t rows,
                                  matrix_view<float> y) {
  alignas(64) float sums[tile_rows * panel_columns];
  for (index_t column = 0; column < y.columns; column += panel_columns) {
    const index_t columns = y.columns - column < panel_columns ? y.columns - column : panel_columns;
    const float* panel = by_rows + column * y.rows + range.begin * panel_columns;
    product_panel(rows, weights + range.begin, weight_stride, panel, columns, range.size(), sums,
                  panel_columns);
    for (index_t r = 0; r < rows; ++r) {
      scale_row(sums + r * panel_columns, factor[r], y.row_data(first + r) + column, columns);
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
