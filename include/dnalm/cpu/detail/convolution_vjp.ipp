// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The adjoint of cpu/convolution.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// unpack_columns from an odd input channel on, of weights kept in pairs: number by number.
DNALM_ISA_FUNCTION void unpack_odd_columns(const packed_weight& w, index_t first, float* to) {
  const index_t columns = w.inputs - first < panel_columns ? w.inputs - first : panel_columns;
  const index_t pair_bytes = panel_columns * (w.format == weight_format::bf16 ? 4 : 2);
  float even[panel_columns];
  float odd[panel_columns];
  for (index_t p = 0; p < w.panel_count(); ++p) {
    for (index_t c = 0; c < columns; ++c) {
      const index_t k = first + c;
      expand_pairs(w, w.panel(p) + k / 2 * pair_bytes, even, odd);
      const float* numbers = k % 2 == 0 ? even : odd;
      for (index_t which = 0; which < 2; ++which) {
        const half_panel half = w.half(p, which);
        for (index_t n = 0; n < half.count; ++n) {
          const index_t column = which * half_columns + n;
          const float scale = w.scales.size() == 0 ? 1.0F : w.scales.data()[p * panel_columns + column];
          to[(half.first + n) * panel_columns + c] = numbers[column] * scale;
        }
      }
    }
  }
}

/// to[t out + n][c] = W[n, (taps - 1 - t) in + column + c] for up to 32 input channels: the taps in the order
/// in which the adjoint reads rows. Columns beyond `in` hold anything.
DNALM_ISA_FUNCTION void unpack_taps(const packed_weight& w, index_t taps, index_t column, float* to) {
  const index_t inputs = w.inputs / taps;
  for (index_t t = 0; t < taps; ++t, to += w.outputs * panel_columns) {
    const index_t first = (taps - 1 - t) * inputs + column;
    if (first % 2 != 0 && w.format != weight_format::f32) {
      unpack_odd_columns(w, first, to);
    } else {
      unpack_columns(w, first, to);
    }
  }
}

/// `rows` are those of dy, with the taps reversed.
DNALM_ISA_FUNCTION void convolution_vjp(const convolution_rows& rows, index_t begin, const packed_weight& w,
                                        matrix_view<const float> residual, float* scratch,
                                        matrix_view<float> dx) {
  const linear_memory memory = divide_linear_memory(rows.depth(), linear_vjp_most_rows, scratch);
  for (index_t block = 0; block < dx.rows; block += memory.block_rows) {
    const index_t count = dx.rows - block < memory.block_rows ? dx.rows - block : memory.block_rows;
    gather_rows(rows, begin + block, count, false, memory.rows);
    const matrix_view<const float> added =
        residual.data == nullptr ? residual : residual.row_block(block, count);
    for (index_t column = 0; column < dx.columns; column += panel_columns) {
      unpack_taps(w, rows.taps.taps, column, memory.panel);
      linear_vjp_columns(memory, rows.depth(), column, added, dx.row_block(block, count));
    }
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
