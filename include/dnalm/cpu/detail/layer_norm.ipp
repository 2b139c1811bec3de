// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/layer_norm.hpp, once per instruction set.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

DNALM_ISA_INLINE lanes load_up_to(const float* from, index_t n) {
  return n >= 16 ? load(from) : load_part(from, n);
}

/// (a + b) + (c + d), then the lanes: a sum that was kept in 64 chains.
DNALM_ISA_INLINE float reduce_four(const lanes* sums) {
  return reduce_add(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
}

/// Sum of a row, in 64 interleaved chains.
DNALM_ISA_FUNCTION float row_sum(const float* x, index_t columns) {
  lanes sums[4] = {set1(0.0F), set1(0.0F), set1(0.0F), set1(0.0F)};
  index_t c = 0;
  for (; c + 64 <= columns; c += 64) {
    DNALM_CPU_UNROLL
    for (int i = 0; i < 4; ++i) sums[i] = add(sums[i], load(x + c + 16 * i));
  }
  for (; c < columns; c += 16) sums[0] = add(sums[0], load_up_to(x + c, columns - c));
  return reduce_four(sums);
}

/// Mean of x - shift and of its square, each in 64 interleaved chains.
struct centred_moments {
  float mean;
  float square;
};
DNALM_ISA_FUNCTION centred_moments row_moments(const float* x, index_t columns, float shift) {
  const lanes zero = set1(0.0F);
  const lanes centre = set1(shift);
  lanes sums[4] = {zero, zero, zero, zero};
  lanes squares[4] = {zero, zero, zero, zero};
  index_t c = 0;
  for (; c + 64 <= columns; c += 64) {
    DNALM_CPU_UNROLL
    for (int i = 0; i < 4; ++i) {
      const lanes d = sub(load(x + c + 16 * i), centre);
      sums[i] = add(sums[i], d);
      squares[i] = fma(d, d, squares[i]);
    }
  }
  for (; c < columns; c += 16) {
    const index_t n = columns - c;
    const lanes d = n >= 16 ? sub(load(x + c), centre) : first_of(n, sub(load_part(x + c, n), centre), zero);
    sums[0] = add(sums[0], d);
    squares[0] = fma(d, d, squares[0]);
  }
  const auto n = static_cast<float>(columns);
  return {reduce_four(sums) / n, reduce_four(squares) / n};
}

/// x is normalised as (x - shift - correction) factor.
struct row_normalization {
  float shift;
  float correction;
  float factor;
};
DNALM_ISA_FUNCTION row_normalization normalize_around(const float* x, index_t columns, float shift,
                                                      float eps) {
  // The second pass also corrects the rounding of the mean.
  const centred_moments moments = row_moments(x, columns, shift);
  const float variance = moments.square - moments.mean * moments.mean;
  return {shift, moments.mean, 1.0F / __builtin_sqrtf(variance + eps)};
}
DNALM_ISA_FUNCTION row_normalization normalize_row(const float* x, index_t columns, float eps) {
  return normalize_around(x, columns, row_sum(x, columns) / static_cast<float>(columns), eps);
}

DNALM_ISA_FUNCTION void layer_norm_row(const float* x, const row_normalization& norm, const float* gamma,
                                       const float* beta, float* y, index_t columns) {
  const lanes factor = set1(norm.factor);
  const lanes centre = set1(norm.shift);
  const lanes correction = set1(norm.correction);
  index_t c = 0;
  for (; c + 16 <= columns; c += 16) {
    const lanes d = sub(sub(load(x + c), centre), correction);
    store(y + c, fma(mul(d, factor), load(gamma + c), load(beta + c)));
  }
  if (c < columns) {
    const index_t n = columns - c;
    const lanes d = sub(sub(load_part(x + c, n), centre), correction);
    store_part(y + c, fma(mul(d, factor), load_part(gamma + c, n), load_part(beta + c, n)), n);
  }
}

/// Four rows at a time, step by step: while the lanes of one row's sum are added up, the next row's are read.
DNALM_ISA_FUNCTION void layer_norm(matrix_view<const float> x, vector_view<const float> gamma,
                                   vector_view<const float> beta, float eps, matrix_view<float> y) {
  constexpr index_t group = 4;
  for (index_t first = 0; first < x.rows; first += group) {
    const index_t rows = x.rows - first < group ? x.rows - first : group;
    float shift[group];
    row_normalization norm[group];
    for (index_t r = 0; r < rows; ++r) {
      shift[r] = row_sum(x.row_data(first + r), x.columns) / static_cast<float>(x.columns);
    }
    for (index_t r = 0; r < rows; ++r) {
      norm[r] = normalize_around(x.row_data(first + r), x.columns, shift[r], eps);
    }
    for (index_t r = 0; r < rows; ++r) {
      layer_norm_row(x.row_data(first + r), norm[r], gamma.data, beta.data, y.row_data(first + r), x.columns);
    }
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
