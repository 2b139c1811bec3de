// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The micro-kernel of all products (body of product_tile.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// out[r, c] = start + sum over k of x[r, k] panel[k, c], c in [0, 16 Vectors), start = out[r, c] if `more`,
/// else 0: one chain of multiply-adds per element, k increasing. So a row's numbers do not depend on the rows
/// around it, nor on the tile it falls into, nor on where the chain is cut.
template <int Rows, int Vectors>
DNALM_ISA_FUNCTION void product_tile(const float* x, index_t x_stride, const float* panel, index_t depth,
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
      for (int v = 0; v < Vectors; ++v) sum[r][v] = fma(a, w[v], sum[r][v]);
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
DNALM_ISA_FUNCTION void product_rows(index_t rows, const float* x, index_t x_stride, const float* panel,
                                     index_t depth, bool more, float* out, index_t out_stride,
                                     fetch_ahead next) {
  if constexpr (Rows > 1) {
    if (rows < Rows) {
      product_rows<Rows - 1, Vectors>(rows, x, x_stride, panel, depth, more, out, out_stride, next);
      return;
    }
  }
  product_tile<Rows, Vectors>(x, x_stride, panel, depth, more, out, out_stride, next);
}

/// Up to tile_rows rows and all columns of one panel, added to `out` if `more`; `columns` <= panel_columns of
/// them matter, `out` has room for the next multiple of 16.
DNALM_ISA_FUNCTION void product_panel(index_t rows, const float* x, index_t x_stride, const float* panel,
                                      index_t columns, index_t depth, float* out, index_t out_stride,
                                      bool more, fetch_ahead next) {
  index_t first = 0;
  if constexpr (tile_vectors == 2) {
    if (columns > 16) {
      product_rows<tile_rows, 2>(rows, x, x_stride, panel, depth, more, out, out_stride, next);
      return;
    }
  }
  for (; first < columns; first += 16) {
    product_rows<tile_rows, 1>(rows, x, x_stride, panel + first, depth, more, out + first, out_stride, next);
  }
}
DNALM_ISA_FUNCTION void product_panel(index_t rows, const float* x, index_t x_stride, const float* panel,
                                      index_t columns, index_t depth, float* out, index_t out_stride,
                                      bool more = false) {
  product_panel(rows, x, x_stride, panel, columns, depth, out, out_stride, more, stay_at(panel));
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
