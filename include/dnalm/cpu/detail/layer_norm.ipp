// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/layer_norm.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

DNALM_ISA_INLINE lanes load_up_to(const float* from, index_t n) {
  return n >= 16 ? load(from) : load_part(from, n);
}

/// Sum of a row, in 16 interleaved chains.
DNALM_ISA_FUNCTION float row_sum(const float* x, index_t columns) {
  lanes sum = set1(0.0F);
  for (index_t c = 0; c < columns; c += 16) sum = add(sum, load_up_to(x + c, columns - c));
  return reduce_add(sum);
}

/// Mean of x - shift and of its square.
struct centred_moments {
  float mean;
  float square;
};
DNALM_ISA_FUNCTION centred_moments row_moments(const float* x, index_t columns, float shift) {
  const lanes centre = set1(shift);
  lanes sum = set1(0.0F);
  lanes squares = set1(0.0F);
  index_t c = 0;
  for (; c + 16 <= columns; c += 16) {
    const lanes d = sub(load(x + c), centre);
    sum = add(sum, d);
    squares = fma(d, d, squares);
  }
  if (c < columns) {
    alignas(64) float rest[16] = {};
    for (index_t i = 0; i < 16 && c + i < columns; ++i) rest[i] = x[c + i] - shift;
    const lanes d = load(rest);
    sum = add(sum, d);
    squares = fma(d, d, squares);
  }
  const auto n = static_cast<float>(columns);
  return {reduce_add(sum) / n, reduce_add(squares) / n};
}

/// x is normalised as (x - shift - correction) factor.
struct row_normalization {
  float shift;
  float correction;
  float factor;
};
DNALM_ISA_FUNCTION row_normalization normalize_row(const float* x, index_t columns, float eps) {
  const float shift = row_sum(x, columns) / static_cast<float>(columns);
  // The second pass also corrects the rounding of the mean.
  const centred_moments moments = row_moments(x, columns, shift);
  const float variance = moments.square - moments.mean * moments.mean;
  return {shift, moments.mean, 1.0F / __builtin_sqrtf(variance + eps)};
}

DNALM_ISA_FUNCTION void layer_norm_row(const float* x, const float* gamma, const float* beta, float eps,
                                       float* y, index_t columns) {
  const row_normalization norm = normalize_row(x, columns, eps);
  const lanes factor = set1(norm.factor);
  const lanes centre = set1(norm.shift);
  const lanes correction = set1(norm.correction);
  for (index_t c = 0; c < columns; c += 16) {
    const index_t n = columns - c;
    const lanes d = sub(sub(load_up_to(x + c, n), centre), correction);
    const lanes value = fma(mul(d, factor), load_up_to(gamma + c, n), load_up_to(beta + c, n));
    if (n >= 16) {
      store(y + c, value);
    } else {
      store_part(y + c, value, n);
    }
  }
}

DNALM_ISA_FUNCTION void layer_norm(matrix_view<const float> x, vector_view<const float> gamma,
                                   vector_view<const float> beta, float eps, matrix_view<float> y) {
  for (index_t r = 0; r < x.rows; ++r) {
    layer_norm_row(x.row_data(r), gamma.data, beta.data, eps, y.row_data(r), x.columns);
  }
}

/// dx = factor (g - mean(g) - h mean(g h)), g = dy gamma, h = (x - mean) factor.
DNALM_ISA_FUNCTION void layer_norm_vjp_row(const float* x, const float* gamma, float eps, const float* dy,
                                           float* dx, index_t columns) {
  const row_normalization norm = normalize_row(x, columns, eps);
  const lanes factor = set1(norm.factor);
  const lanes centre = set1(norm.shift);
  const lanes correction = set1(norm.correction);
  lanes sum = set1(0.0F);
  lanes products = set1(0.0F);
  for (index_t c = 0; c < columns; c += 16) {
    const index_t n = columns - c;
    const lanes h = mul(sub(sub(load_up_to(x + c, n), centre), correction), factor);
    const lanes g = mul(load_up_to(dy + c, n), load_up_to(gamma + c, n));  // 0 beyond the row
    sum = add(sum, g);
    products = fma(g, h, products);
  }
  const auto width = static_cast<float>(columns);
  const lanes mean = set1(reduce_add(sum) / width);
  const lanes slope = set1(reduce_add(products) / width);
  for (index_t c = 0; c < columns; c += 16) {
    const index_t n = columns - c;
    const lanes h = mul(sub(sub(load_up_to(x + c, n), centre), correction), factor);
    const lanes g = mul(load_up_to(dy + c, n), load_up_to(gamma + c, n));
    const lanes value = mul(factor, fnma(h, slope, sub(g, mean)));
    if (n >= 16) {
      store(dx + c, value);
    } else {
      store_part(dx + c, value, n);
    }
  }
}

DNALM_ISA_FUNCTION void layer_norm_vjp(matrix_view<const float> x, vector_view<const float> gamma, float eps,
                                       matrix_view<const float> dy, matrix_view<float> dx) {
  for (index_t r = 0; r < x.rows; ++r) {
    layer_norm_vjp_row(x.row_data(r), gamma.data, eps, dy.row_data(r), dx.row_data(r), x.columns);
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
