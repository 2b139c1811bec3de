// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief exp(s - max) of one row and its sum, and the adjoint (body of softmax_row.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// s[j] -= slope |place - j|.
DNALM_ISA_FUNCTION void bias_row(float* s, index_t columns, float slope, index_t place) {
  alignas(64) static constexpr float count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const lanes factor = set1(slope);
  for (index_t c = 0; c < columns; c += 16) {
    const index_t n = columns - c;
    const lanes distance = abs(sub(set1(static_cast<float>(place - c)), load(count)));
    if (n >= 16) {
      store(s + c, fnma(factor, distance, load(s + c)));
    } else {
      store_part(s + c, fnma(factor, distance, load_part(s + c, n)), n);
    }
  }
}

/// The largest number of a row (columns > 0); NaN does not count.
DNALM_ISA_FUNCTION float largest_of_row(const float* s, index_t columns) {
  lanes even = set1(-__builtin_inff());
  lanes odd = even;
  index_t c = 0;
  for (; c + 32 <= columns; c += 32) {
    even = max(load(s + c), even);
    odd = max(load(s + c + 16), odd);
  }
  if (c + 16 <= columns) {
    even = max(load(s + c), even);
    c += 16;
  }
  if (c < columns) odd = max(first_of(columns - c, load_part(s + c, columns - c), odd), odd);
  return reduce_max(max(even, odd));
}

/// bias_row, and of what it leaves largest_of_row (columns > 0), in one pass with their bits.
DNALM_ISA_FUNCTION float largest_of_biased_row(float* s, index_t columns, float slope, index_t place) {
  alignas(64) static constexpr float count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const lanes factor = set1(slope);
  lanes distance = sub(set1(static_cast<float>(place)), load(count));  // whole numbers: exact
  lanes even = set1(-__builtin_inff());
  lanes odd = even;
  index_t c = 0;
  for (; c + 32 <= columns; c += 32) {
    const lanes behind = sub(distance, set1(16.0F));
    const lanes first = fnma(factor, abs(distance), load(s + c));
    const lanes second = fnma(factor, abs(behind), load(s + c + 16));
    store(s + c, first);
    store(s + c + 16, second);
    even = max(first, even);
    odd = max(second, odd);
    distance = sub(behind, set1(16.0F));
  }
  for (; c < columns; c += 16, distance = sub(distance, set1(16.0F))) {
    const index_t n = columns - c < 16 ? columns - c : 16;
    const lanes last = fnma(factor, abs(distance), load_part(s + c, n));
    store_part(s + c, last, n);
    odd = max(first_of(n, last, odd), odd);
  }
  return reduce_max(max(even, odd));
}

/// s[j] = 2^(s[j] - largest); returns the sum, in 16 interleaved chains.
DNALM_ISA_FUNCTION float power_row(float* s, index_t columns, float largest) {
  const lanes shift = set1(largest);
  lanes sum = set1(0.0F);
  index_t c = 0;
  for (; c + 16 <= columns; c += 16) {
    const lanes value = exp2_of_negative(sub(load(s + c), shift));
    sum = add(sum, value);
    store(s + c, value);
  }
  if (c < columns) {
    const index_t n = columns - c;
    const lanes value = exp2_of_negative(sub(load_part(s + c, n), shift));
    sum = add(sum, first_of(n, value, set1(0.0F)));
    store_part(s + c, value, n);
  }
  return reduce_add(sum);
}

/// s[j] = exp(s[j] - largest); returns the sum, in 16 interleaved chains.
DNALM_ISA_FUNCTION float exponential_row(float* s, index_t columns, float largest) {
  const lanes shift = set1(largest);
  lanes sum = set1(0.0F);
  index_t c = 0;
  for (; c + 16 <= columns; c += 16) {
    const lanes value = exp(sub(load(s + c), shift));
    sum = add(sum, value);
    store(s + c, value);
  }
  if (c < columns) {
    const index_t n = columns - c;
    const lanes value = exp(sub(load_part(s + c, n), shift));
    sum = add(sum, first_of(n, value, set1(0.0F)));
    store_part(s + c, value, n);
  }
  return reduce_add(sum);
}

/// dx = p (dp - sum of p dp), the sum in 16 interleaved chains; dx may be dp. Returns the sum.
DNALM_ISA_FUNCTION float softmax_vjp_row(const float* p, const float* dp, float* dx, index_t columns) {
  lanes sum = set1(0.0F);
  const index_t whole = columns / 16 * 16;
  const index_t rest = columns - whole;
  for (index_t c = 0; c < whole; c += 16) sum = fma(load(p + c), load(dp + c), sum);
  if (rest > 0) sum = fma(load_part(p + whole, rest), load_part(dp + whole, rest), sum);
  const float mean = reduce_add(sum);
  const lanes shift = set1(mean);
  for (index_t c = 0; c < whole; c += 16) store(dx + c, mul(load(p + c), sub(load(dp + c), shift)));
  if (rest > 0) {
    const lanes last = mul(load_part(p + whole, rest), sub(load_part(dp + whole, rest), shift));
    store_part(dx + whole, last, rest);
  }
  return mean;
}

/// y = factor x; y may be x.
DNALM_ISA_FUNCTION void scale_row(const float* x, float factor, float* y, index_t columns) {
  const lanes f = set1(factor);
  index_t c = 0;
  for (; c + 16 <= columns; c += 16) store(y + c, mul(load(x + c), f));
  if (c < columns) store_part(y + c, mul(load_part(x + c, columns - c), f), columns - c);
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
