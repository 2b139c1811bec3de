// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Fourier transforms of 16 channels side by side, once per instruction set.
///
/// A point is 16 real and 16 imaginary parts. Passes by four (two halvings at once), each quarter on its own
/// as soon as it is there: small ones stay in the cache. The order of the frequencies is that of
/// fft_tables.hpp; no pass moves anything to another place.

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

struct point {
  lanes re;
  lanes im;
};

inline constexpr index_t point_size = 32;

DNALM_ISA_INLINE point load_point(const float* from) {
  return {load(from), load(from + 16)};
}
DNALM_ISA_INLINE void store_point(float* to, point x) {
  store(to, x.re);
  store(to + 16, x.im);
}
DNALM_ISA_INLINE point add(point a, point b) {
  return {add(a.re, b.re), add(a.im, b.im)};
}
DNALM_ISA_INLINE point sub(point a, point b) {
  return {sub(a.re, b.re), sub(a.im, b.im)};
}
/// a + i b and a - i b.
DNALM_ISA_INLINE point add_turned(point a, point b) {
  return {sub(a.re, b.im), add(a.im, b.re)};
}
DNALM_ISA_INLINE point sub_turned(point a, point b) {
  return {add(a.re, b.im), sub(a.im, b.re)};
}
/// a w and a conj(w).
DNALM_ISA_INLINE point mul(point a, point w) {
  return {fnma(a.im, w.im, mul(a.re, w.re)), fma(a.im, w.re, mul(a.re, w.im))};
}
DNALM_ISA_INLINE point mul_conjugate(point a, point w) {
  return {fma(a.im, w.im, mul(a.re, w.re)), fnma(a.re, w.im, mul(a.im, w.re))};
}
/// a b + c and a conj(b) + c.
DNALM_ISA_INLINE point fma(point a, point b, point c) {
  return {fnma(a.im, b.im, fma(a.re, b.re, c.re)), fma(a.im, b.re, fma(a.re, b.im, c.im))};
}
DNALM_ISA_INLINE point fma_conjugate(point a, point b, point c) {
  return {fma(a.im, b.im, fma(a.re, b.re, c.re)), fnma(a.re, b.im, fma(a.im, b.re, c.im))};
}
DNALM_ISA_INLINE point factor(const float* w) {
  return {set1(w[0]), set1(w[1])};
}

/// Points j, j + q, j + 2 q, j + 3 q of a pass.
struct four_points {
  point a, b, c, d;
};

/// Two halvings: places j + q k get the sums with (-i)^(l k') w^(k' j), k' = 0, 2, 1, 3 for k = 0, 1, 2, 3.
DNALM_ISA_INLINE four_points forward_four(four_points x, const float* w) {
  const point s = add(x.a, x.c);
  const point t = add(x.b, x.d);
  const point e = sub(x.a, x.c);
  const point f = sub(x.b, x.d);
  return {add(s, t), mul(sub(s, t), factor(w + 2)), mul(sub_turned(e, f), factor(w)),
          mul(add_turned(e, f), factor(w + 4))};
}
/// The same where x.c = x.d = 0.
DNALM_ISA_INLINE four_points forward_two(point a, point b, const float* w) {
  return {add(a, b), mul(sub(a, b), factor(w + 2)), mul(sub_turned(a, b), factor(w)),
          mul(add_turned(a, b), factor(w + 4))};
}
/// 4 times the inverse of forward_four.
DNALM_ISA_INLINE four_points inverse_four(four_points x, const float* w) {
  const point b = mul_conjugate(x.b, factor(w + 2));
  const point c = mul_conjugate(x.c, factor(w));
  const point d = mul_conjugate(x.d, factor(w + 4));
  const point s = add(x.a, b);
  const point t = sub(x.a, b);
  const point e = add(c, d);
  const point f = sub(c, d);
  return {add(s, e), add_turned(t, f), sub(s, e), sub_turned(t, f)};
}

DNALM_ISA_INLINE four_points load_four(const float* x, index_t q) {
  return {load_point(x), load_point(x + q * point_size), load_point(x + 2 * q * point_size),
          load_point(x + 3 * q * point_size)};
}
DNALM_ISA_INLINE void store_four(float* x, index_t q, four_points y) {
  store_point(x, y.a);
  store_point(x + q * point_size, y.b);
  store_point(x + 2 * q * point_size, y.c);
  store_point(x + 3 * q * point_size, y.d);
}

/// The transforms of 2 and 4 points, whose factors are 1 and -i; both ways, but for the sign of i.
DNALM_ISA_INLINE void transform_two(float* x) {
  const point a = load_point(x);
  const point b = load_point(x + point_size);
  store_point(x, add(a, b));
  store_point(x + point_size, sub(a, b));
}
DNALM_ISA_INLINE void forward_last_four(float* x) {
  const four_points y = load_four(x, 1);
  const point s = add(y.a, y.c);
  const point t = add(y.b, y.d);
  const point e = sub(y.a, y.c);
  const point f = sub(y.b, y.d);
  store_four(x, 1, {add(s, t), sub(s, t), sub_turned(e, f), add_turned(e, f)});
}
DNALM_ISA_INLINE void inverse_first_four(float* x) {
  const four_points y = load_four(x, 1);
  const point s = add(y.a, y.b);
  const point t = sub(y.a, y.b);
  const point e = add(y.c, y.d);
  const point f = sub(y.c, y.d);
  store_four(x, 1, {add(s, e), add_turned(t, f), sub(s, e), sub_turned(t, f)});
}

/// x becomes its transform, m a power of two, 2 or more; w the factors of the passes from m on.
DNALM_ISA_FUNCTION void fft_forward(float* x, index_t m, const float* w) {
  if (m == 2) return transform_two(x);
  if (m == 4) return forward_last_four(x);
  const index_t q = m / 4;
  for (index_t j = 0; j < q; ++j) {
    float* at = x + j * point_size;
    store_four(at, q, forward_four(load_four(at, q), w + 6 * j));
  }
  for (index_t k = 0; k < 4; ++k) fft_forward(x + k * q * point_size, q, w + 6 * q);
}

/// m times the inverse of fft_forward.
DNALM_ISA_FUNCTION void fft_inverse(float* x, index_t m, const float* w) {
  if (m == 2) return transform_two(x);
  if (m == 4) return inverse_first_four(x);
  const index_t q = m / 4;
  for (index_t k = 0; k < 4; ++k) fft_inverse(x + k * q * point_size, q, w + 6 * q);
  for (index_t j = 0; j < q; ++j) {
    float* at = x + j * point_size;
    store_four(at, q, inverse_four(load_four(at, q), w + 6 * j));
  }
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
