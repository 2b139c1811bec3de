// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/rms_norm.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Up to 16 numbers, zeros behind them.
DNALM_ISA_INLINE lanes rms_load(const float* from, index_t n) {
  return n >= 16 ? load(from) : load_part(from, n);
}
DNALM_ISA_INLINE void rms_store(float* to, lanes x, index_t n) {
  n >= 16 ? store(to, x) : store_part(to, x, n);
}

/// 1 / sqrt(mean(x^2) + eps), the squares in 64 interleaved chains.
DNALM_ISA_FUNCTION float rms_factor(const float* x, index_t columns, float eps) {
  lanes sums[4] = {set1(0.0F), set1(0.0F), set1(0.0F), set1(0.0F)};
  index_t c = 0;
  for (; c + 64 <= columns; c += 64) {
    DNALM_CPU_UNROLL
    for (int i = 0; i < 4; ++i) {
      const lanes part = load(x + c + 16 * i);
      sums[i] = fma(part, part, sums[i]);
    }
  }
  for (; c < columns; c += 16) {
    const lanes part = rms_load(x + c, columns - c);
    sums[0] = fma(part, part, sums[0]);
  }
  const float squares = reduce_add(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
  return 1.0F / __builtin_sqrtf(squares / static_cast<float>(columns) + eps);
}

DNALM_ISA_FUNCTION void rms_norm(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                                 matrix_view<float> y) {
  for (index_t r = 0; r < x.rows; ++r) {
    const float* from = x.row_data(r);
    float* to = y.row_data(r);
    const lanes factor = set1(rms_factor(from, x.columns, eps));
    for (index_t c = 0; c < x.columns; c += 16) {
      const index_t n = x.columns - c;
      rms_store(to + c, mul(mul(rms_load(from + c, n), factor), rms_load(gamma.data + c, n)), n);
    }
  }
}

/// dx = factor (g - h mean(g h)), g = dy gamma, h = x factor.
DNALM_ISA_FUNCTION void rms_norm_vjp_row(const float* x, const float* gamma, float eps, const float* dy,
                                         float* dx, index_t columns) {
  const lanes factor = set1(rms_factor(x, columns, eps));
  lanes products = set1(0.0F);
  for (index_t c = 0; c < columns; c += 16) {
    const index_t n = columns - c;
    const lanes g = mul(rms_load(dy + c, n), rms_load(gamma + c, n));
    products = fma(g, mul(rms_load(x + c, n), factor), products);
  }
  const lanes mean = set1(reduce_add(products) / static_cast<float>(columns));
  for (index_t c = 0; c < columns; c += 16) {
    const index_t n = columns - c;
    const lanes g = mul(rms_load(dy + c, n), rms_load(gamma + c, n));
    rms_store(dx + c, mul(factor, fnma(mul(rms_load(x + c, n), factor), mean, g)), n);
  }
}

DNALM_ISA_FUNCTION void rms_norm_vjp(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                                     matrix_view<const float> dy, matrix_view<float> dx) {
  for (index_t r = 0; r < x.rows; ++r) {
    rms_norm_vjp_row(x.row_data(r), gamma.data, eps, dy.row_data(r), dx.row_data(r), x.columns);
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
