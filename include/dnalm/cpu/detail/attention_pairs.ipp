// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Operands of attention's products as pairs of bfloat16; attention_floats.ipp has the same names.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Words of n operands: pairs of bfloat16.
inline index_t attention_words(index_t n) {
  return (n + 1) / 2;
}
/// Rows whose channels are multiplied, pair by pair, by columns; `spare` holds as many words as x.
DNALM_ISA_FUNCTION void pack_channels(matrix_view<const float> x, float* spare, float* to) {
  const index_t words = attention_words(x.columns);
  for (index_t j = 0; j < x.rows; ++j) round_row(x.row_data(j), x.columns, spare + j * words);
  pack_by_columns({spare, x.rows, words, words}, to);
}
/// Rows whose tokens are multiplied, pair by pair, by rows.
DNALM_ISA_FUNCTION void pack_tokens(matrix_view<const float> x, float* to) {
  for (index_t column = 0; column < x.columns; column += panel_columns) {
    const index_t columns = x.columns - column < panel_columns ? x.columns - column : panel_columns;
    float* panel = to + column * attention_words(x.rows);
    for (index_t j = 0; j < x.rows; j += 2, panel += panel_columns) {
      const float* second = j + 1 < x.rows ? x.row_data(j + 1) + column : nullptr;
      round_two_rows(x.row_data(j) + column, second, columns, panel);
    }
  }
}
DNALM_ISA_FUNCTION void query_operand(const float* q, float scale, index_t width, float* to) {
  round_scaled_row(q, scale, width, to);
}
/// Weights of keys as operands, in their place.
DNALM_ISA_FUNCTION void weight_operand(float* weights, index_t n) {
  round_row(weights, n, weights);
}
/// 2^x for x <= 0 as exp2_of_negative, by a polynomial of degree 3: relative error 1.1e-4, a twentieth of
/// what rounding to bfloat16 adds; exactly 1 at 0.
DNALM_ISA_INLINE lanes rough_power(lanes x) {
  const lanes clamped = max(set1(-127.0F), x);  // there 2^n is 0
  const lanes magic = set1(12583039.0F);        // 2^23 + 2^22 + 127: adding it rounds to an integer
  const lanes shifted = add(clamped, magic);
  const lanes r = sub(clamped, sub(shifted, magic));
  lanes p = set1(5.5008933e-2F);
  p = fma(p, r, set1(2.4221097e-1F));
  p = fma(p, r, set1(6.932829e-1F));
  const lanes power = power_of_two(shifted);
  return fma(p, mul(r, power), power);
}
/// Scores become operands 2^(score - largest), in their place; returns the sum of the weights before
/// rounding, in 32 interleaved chains.
DNALM_ISA_FUNCTION float weigh_row(float* s, index_t n, float largest) {
  const lanes shift = set1(largest);
  lanes even = set1(0.0F);
  lanes odd = even;
  index_t c = 0;
  for (; c + 32 <= n; c += 32) {
    const lanes first = rough_power(sub(load(s + c), shift));
    const lanes second = rough_power(sub(load(s + c + 16), shift));
    even = add(even, first);
    odd = add(odd, second);
    store(s + c / 2, round_pairs(first, second));
  }
  if (c < n) {
    const index_t rest = n - c;
    const lanes none = set1(0.0F);
    const lanes first = first_of(rest, rough_power(sub(load_up_to(s + c, rest), shift)), none);
    const lanes second =
        rest > 16 ? first_of(rest - 16, rough_power(sub(load_up_to(s + c + 16, rest - 16), shift)), none)
                  : none;
    even = add(even, first);
    odd = add(odd, second);
    store_part(s + c / 2, round_pairs(first, second), (rest + 1) / 2);
  }
  return reduce_add(add(even, odd));
}
DNALM_ISA_FUNCTION void multiply_operands(index_t rows, const float* x, index_t x_stride, const float* panel,
                                          index_t columns, index_t words, float* out, index_t out_stride,
                                          bool more) {
  pairs_panel(rows, x, x_stride, panel, columns, words, out, out_stride, more);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
