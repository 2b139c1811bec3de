// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/linear.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// y[c] = residual[c] + function(sum[c] + bias[c]) for `columns` columns of one row.
DNALM_ISA_FUNCTION void linear_epilogue_row(const float* sum, const float* bias, activation function,
                                            const float* residual, float* y, index_t columns) {
  for (index_t c = 0; c < columns; c += 16) {
    const index_t n = columns - c;
    const bool whole = n >= 16;
    lanes value = load(sum + c);
    if (bias != nullptr) value = add(value, whole ? load(bias + c) : load_part(bias + c, n));
    value = activate(function, value);
    if (residual != nullptr) value = add(whole ? load(residual + c) : load_part(residual + c, n), value);
    if (whole) {
      store(y + c, value);
    } else {
      store_part(y + c, value, n);
    }
  }
}

DNALM_ISA_FUNCTION void linear(matrix_view<const float> x, const packed_weight& w,
                               const linear_epilogue<float>& epilogue, matrix_view<float> y) {
  alignas(64) float sums[tile_rows * panel_columns];
  // Rows in blocks that stay in the second-level cache while all panels pass by.
  const index_t block_rows = linear_block_rows(w.inputs, tile_rows);
  for (index_t block = 0; block < x.rows; block += block_rows) {
    const index_t block_end = block + block_rows < x.rows ? block + block_rows : x.rows;
    for (index_t p = 0; p < panel_count(w.outputs); ++p) {
      const index_t column = p * panel_columns;
      const index_t columns = w.outputs - column < panel_columns ? w.outputs - column : panel_columns;
      const float* bias = epilogue.bias.empty() ? nullptr : epilogue.bias.data + column;
      for (index_t row = block; row < block_end; row += tile_rows) {
        const index_t rows = block_end - row < tile_rows ? block_end - row : tile_rows;
        product_panel(rows, x.row_data(row), x.stride, w.panel(p), columns, w.inputs, sums, panel_columns);
        for (index_t r = 0; r < rows; ++r) {
          const float* residual =
              epilogue.residual.data == nullptr ? nullptr : epilogue.residual.row_data(row + r) + column;
          linear_epilogue_row(sums + r * panel_columns, bias, epilogue.function, residual,
                              y.row_data(row + r) + column, columns);
        }
      }
    }
  }
}

/// to[n][c] = W[n, first + c] for all outputs n and `columns` <= 32 input channels.
DNALM_ISA_FUNCTION void unpack_columns(const packed_weight& w, index_t first, index_t columns, float* to) {
  for (index_t p = 0; p < panel_count(w.outputs); ++p) {
    const index_t row = p * panel_columns;
    const index_t rows = w.outputs - row < panel_columns ? w.outputs - row : panel_columns;
    transpose(w.panel(p) + first * panel_columns, panel_columns, columns, rows, to + row * panel_columns,
              panel_columns);
  }
}

DNALM_ISA_FUNCTION void linear_vjp(matrix_view<const float> dy, const packed_weight& w,
                                   matrix_view<const float> residual, vector_view<float> scratch,
                                   matrix_view<float> dx) {
  alignas(64) float sums[tile_rows * panel_columns];
  for (index_t column = 0; column < w.inputs; column += panel_columns) {
    const index_t columns = w.inputs - column < panel_columns ? w.inputs - column : panel_columns;
    unpack_columns(w, column, columns, scratch.data);
    for (index_t row = 0; row < dx.rows; row += tile_rows) {
      const index_t rows = dx.rows - row < tile_rows ? dx.rows - row : tile_rows;
      product_panel(rows, dy.row_data(row), dy.stride, scratch.data, columns, w.outputs, sums, panel_columns);
      for (index_t r = 0; r < rows; ++r) {
        const float* from = residual.data == nullptr ? nullptr : residual.row_data(row + r) + column;
        linear_epilogue_row(sums + r * panel_columns, nullptr, activation::none, from,
                            dx.row_data(row + r) + column, columns);
      }
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
