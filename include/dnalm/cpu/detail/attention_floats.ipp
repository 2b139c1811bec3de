// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Operands of attention's products as floats, once per instruction set; attention_pairs.ipp has the same
/// names.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Words of n operands: floats.
inline index_t attention_words(index_t n) {
  return n;
}
DNALM_ISA_FUNCTION void pack_keys_and_values(matrix_view<const float> k, matrix_view<const float> v,
                                             const attention_memory& memory) {
  pack_by_columns(k, memory.keys);
  pack_by_rows(v, memory.values);
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
