// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Operands of attention's products as floats, once per instruction set; attention_pairs.ipp has the
/// same names.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Words of n operands: floats.
inline index_t attention_words(index_t n) {
  return n;
}
/// Rows whose channels are multiplied, by columns; `spare` holds as many words as x.
DNALM_ISA_FUNCTION void pack_channels(matrix_view<const float> x, float*, float* to) {
  pack_by_columns(x, to);
}
/// Rows whose tokens are multiplied, by rows.
DNALM_ISA_FUNCTION void pack_tokens(matrix_view<const float> x, float* to) {
  pack_by_rows(x, to);
}
DNALM_ISA_FUNCTION void query_operand(const float* q, float scale, index_t width, float* to) {
  scale_row(q, scale, to, width);
}
inline void weight_operand(float*, index_t) {}
DNALM_ISA_FUNCTION float weigh_row(float* s, index_t n, float largest) {
  return power_row(s, n, largest);
}
DNALM_ISA_FUNCTION void multiply_operands(index_t rows, const float* x, index_t x_stride, const float* panel,
                                          index_t columns, index_t words, float* out, index_t out_stride,
                                          bool more) {
  product_panel(rows, x, x_stride, panel, columns, words, out, out_stride, more);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
