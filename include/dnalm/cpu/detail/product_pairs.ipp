// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The micro-kernel of products on pairs of bfloat16 (vocabulary: lanes_avx512_bf16.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// out[r, c] = start + sum over pairs k of x[r, k] . panel[k, c]: product_tile on pairs.
template <int Rows, int Vectors>
DNALM_ISA_FUNCTION void pairs_tile(const float* x, index_t x_stride, const float* panel, index_t depth,
                                   bool more, float* out, index_t out_stride, fetch_ahead next) {
  lanes sum[Rows][Vectors];
  DNALM_CPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[r][v] = more ? load(out + r * out_stride + 16 * v) : set1(0.0F);
  }
  for (index_t k = 0; k < depth; ++k) {
    lanes w[Vectors];
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) w[v] = load(panel + k * panel_columns + 16 * v);
    __builtin_prefetch(next.from + k * next.step, 0, 2);
    DNALM_CPU_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const lanes a = set1(x[r * x_stride + k]);
      DNALM_CPU_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[r][v] = dot_pairs(a, w[v], sum[r][v]);
    }
  }
  DNALM_CPU_UNROLL
  for (int r = 0; r < Rows; ++r) {
    DNALM_CPU_UNROLL
    for (int v = 0; v < Vectors; ++v) store(out + r * out_stride + 16 * v, sum[r][v]);
  }
}

/// The same for 1 <= rows <= Rows.
template <int Rows, int Vectors>
DNALM_ISA_FUNCTION void pairs_rows(index_t rows, const float* x, index_t x_stride, const float* panel,
                                   index_t depth, bool more, float* out, index_t out_stride,
                                   fetch_ahead next) {
  if constexpr (Rows > 1) {
    if (rows < Rows) {
      pairs_rows<Rows - 1, Vectors>(rows, x, x_stride, panel, depth, more, out, out_stride, next);
      return;
    }
  }
  pairs_tile<Rows, Vectors>(x, x_stride, panel, depth, more, out, out_stride, next);
}

/// product_panel on pairs: up to tile_rows rows and the first `columns` columns of one panel.
DNALM_ISA_FUNCTION void pairs_panel(index_t rows, const float* x, index_t x_stride, const float* panel,
                                    index_t columns, index_t depth, float* out, index_t out_stride,
                                    bool more = false) {
  if (columns > 16) {
    pairs_rows<tile_rows, 2>(rows, x, x_stride, panel, depth, more, out, out_stride, stay_at(panel));
  } else {
    pairs_rows<tile_rows, 1>(rows, x, x_stride, panel, depth, more, out, out_stride, stay_at(panel));
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
