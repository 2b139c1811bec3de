// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of floats as pairs of bfloat16 (vocabulary: lanes_avx512_bf16.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// Up to 16 of n floats, 0 behind them.
DNALM_ISA_INLINE lanes load_up_to(const float* from, index_t n) {
  if (n >= 16) return load(from);
  return n > 0 ? load_part(from, n) : set1(0.0F);
}

/// factor x[k] rounded to bfloat16, pair by pair; 0 beside the last of an odd number. `to` may be x.
DNALM_ISA_FUNCTION void round_scaled_row(const float* x, float factor, index_t n, float* to) {
  const lanes f = set1(factor);
  index_t k = 0;
  for (; k + 32 <= n; k += 32) store(to + k / 2, round_pairs(mul(load(x + k), f), mul(load(x + k + 16), f)));
  if (k == n) return;
  const index_t rest = n - k;
  const lanes first = mul(load_up_to(x + k, rest), f);
  const lanes second = mul(load_up_to(x + k + 16, rest - 16), f);
  store_part(to + k / 2, round_pairs(first, second), (rest + 1) / 2);
}

/// x[k] rounded to bfloat16, pair by pair; 0 beside the last of an odd number. `to` may be x.
DNALM_ISA_FUNCTION void round_row(const float* x, index_t n, float* to) {
  index_t k = 0;
  for (; k + 32 <= n; k += 32) store(to + k / 2, round_pairs(load(x + k), load(x + k + 16)));
  if (k == n) return;
  const index_t rest = n - k;
  store_part(to + k / 2, round_pairs(load_up_to(x + k, rest), load_up_to(x + k + 16, rest - 16)),
             (rest + 1) / 2);
}

/// to[c] = the pair (first[c], second[c]) rounded to bfloat16, c < n <= 32; second null: 0.
DNALM_ISA_FUNCTION void round_two_rows(const float* first, const float* second, index_t n, float* to) {
  for (index_t c = 0; c < n; c += 16) {
    const lanes one = load_up_to(first + c, n - c);
    const lanes two = second == nullptr ? set1(0.0F) : load_up_to(second + c, n - c);
    store(to + c, join_pairs(one, two));
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
