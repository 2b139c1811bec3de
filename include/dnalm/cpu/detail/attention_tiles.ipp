// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Packing of rows (body of attention_tiles.hpp).

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

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
