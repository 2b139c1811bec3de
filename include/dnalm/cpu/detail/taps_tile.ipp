// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products of rows that are read where they lie, tap after tap, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// product_tile of rows that lie `x_stride` apart, for one tap after the other, `tap_stride` apart: the same
/// chains of multiply-adds, k = t depth + c, in registers from the first tap to the last.
template <int Rows, int Vectors>
DNALM_ISA_FUNCTION void taps_tile(const float* x, index_t x_stride, index_t taps, index_t tap_stride,
                                  const float* panel, index_t depth, float* out) {
  lanes sum[Rows][Vectors];
  DNALM_CPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[r][v] = set1(0.0F);
  }
  for (index_t t = 0; t < taps; ++t, x += tap_stride) {
    for (index_t k = 0; k < depth; ++k, panel += panel_columns) {
      lanes w[Vectors];
      DNALM_CPU_UNROLL
      for (int v = 0; v < Vectors; ++v) w[v] = load(panel + 16 * v);
      DNALM_CPU_UNROLL
      for (int r = 0; r < Rows; ++r) {
        const lanes a = set1(x[r * x_stride + k]);
        DNALM_CPU_UNROLL
        for (int v = 0; v < Vectors; ++v) sum[r][v] = fma(a, w[v], sum[r][v]);
      }
    }
  }
  DNALM_CPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) store(out + r * panel_columns + 16 * v, sum[r][v]);
  }
}

/// The same for 1 <= rows <= Rows and all columns of a panel.
template <int Rows>
DNALM_ISA_FUNCTION void taps_rows(index_t rows, const float* x, index_t x_stride, index_t taps,
                                  index_t tap_stride, const float* panel, index_t depth, float* out) {
  if constexpr (Rows > 1) {
    if (rows < Rows) return taps_rows<Rows - 1>(rows, x, x_stride, taps, tap_stride, panel, depth, out);
  }
  for (index_t column = 0; column < panel_columns; column += 16 * tile_vectors) {
    taps_tile<Rows, tile_vectors>(x, x_stride, taps, tap_stride, panel + column, depth, out + column);
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
