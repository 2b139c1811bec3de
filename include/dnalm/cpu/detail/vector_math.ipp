// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief exp, the activations and their derivatives on 16 floats (body of vector_math.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2, exp(r) by a minimax polynomial of degree 6.
/// 0 below -87.69, about 2^127.5 above 88.37; NaN stays NaN.
DNALM_ISA_INLINE lanes exp(lanes x) {
  const lanes clamped = min(set1(88.3762F), max(set1(-88.0296936F), x));  // -127 ln 2: there 2^n is 0
  const lanes magic = set1(12583039.0F);  // 2^23 + 2^22 + 127: adding it rounds to an integer
  const lanes shifted = fma(clamped, set1(1.44269504F), magic);
  const lanes n = sub(shifted, magic);
  lanes r = fnma(n, set1(0.693359375F), clamped);
  r = fnma(n, set1(-2.12194440e-4F), r);
  lanes p = set1(1.381414191e-3F);
  p = fma(p, r, set1(8.368750212e-3F));
  p = fma(p, r, set1(4.166840720e-2F));
  p = fma(p, r, set1(1.666652028e-1F));
  p = fma(p, r, set1(4.999999329e-1F));
  p = fma(p, mul(r, r), r);
  const lanes power = power_of_two(shifted);
  return fma(p, power, power);
}

/// 2^x for x <= 0, 2^x = 2^n 2^r, n = round(x), 2^r by a minimax polynomial of degree 6: half the work of
/// exp. 0 below -126.5; exactly 1 at 0; NaN stays NaN.
DNALM_ISA_INLINE lanes exp2_of_negative(lanes x) {
  const lanes clamped = max(set1(-127.0F), x);  // there 2^n is 0
  const lanes magic = set1(12583039.0F);        // 2^23 + 2^22 + 127: adding it rounds to an integer
  const lanes shifted = add(clamped, magic);
  const lanes r = sub(clamped, sub(shifted, magic));
  lanes p = set1(1.5594676e-4F);
  p = fma(p, r, set1(1.3406644e-3F));
  p = fma(p, r, set1(9.617693e-3F));
  p = fma(p, r, set1(5.5503106e-2F));
  p = fma(p, r, set1(2.4022653e-1F));
  p = fma(p, r, set1(6.9314721e-1F));
  const lanes power = power_of_two(shifted);
  return fma(p, mul(r, power), power);
}

/// Phi(-|x|) = erfc(z) / 2, z = |x| / sqrt 2, and exp(-z^2).
///
/// erfc(z) = exp(-z^2) t P(t), t = 1 / (1 + z / 2), for z >= 0; P is a minimax polynomial (relative error
/// 4e-8).
struct normal_tail {
  lanes probability;
  lanes exponential;
};
DNALM_ISA_INLINE normal_tail tail_of_normal(lanes x) {
  const lanes z = mul(abs(x), set1(0.70710678F));
  const lanes t = div(set1(1.0F), fma(z, set1(0.5F), set1(1.0F)));
  lanes p = set1(-0.059069817F);
  p = fma(p, t, set1(0.284579145F));
  p = fma(p, t, set1(-0.487208485F));
  p = fma(p, t, set1(0.278076791F));
  p = fma(p, t, set1(-0.0266320825F));
  p = fma(p, t, set1(0.202689454F));
  p = fma(p, t, set1(0.243103151F));
  p = fma(p, t, set1(0.282375386F));
  p = fma(p, t, set1(0.282086414F));
  const lanes exponential = exp(fnma(z, z, set1(0.0F)));
  return {mul(mul(p, t), mul(exponential, set1(0.5F))), exponential};
}

/// x Phi(x)
DNALM_ISA_INLINE lanes gelu_erf(lanes x) {
  const lanes tail = tail_of_normal(x).probability;
  return mul(x, where_negative(x, tail, sub(set1(1.0F), tail)));
}

/// x between -bound and bound; NaN stays NaN.
DNALM_ISA_INLINE lanes clamp(lanes x, float bound) {
  return min(set1(bound), max(set1(-bound), x));
}

/// A function and its derivative by x.
struct value_and_slope {
  lanes value;
  lanes slope;
};

/// x Phi(x), and Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi): the slope within 2.5e-7 (absolute, 27 million floats
/// of all magnitudes).
DNALM_ISA_INLINE value_and_slope gelu_erf_both(lanes x) {
  const normal_tail tail = tail_of_normal(x);
  const lanes cumulative = where_negative(x, tail.probability, sub(set1(1.0F), tail.probability));
  // exp(-x^2 / 2) is 0 from 13.3 on: the clamp keeps infinity times 0 away.
  return {mul(x, cumulative), fma(mul(clamp(x, 16.0F), set1(0.39894228F)), tail.exponential, cumulative)};
}

/// x / (1 + exp(-x))
DNALM_ISA_INLINE lanes silu(lanes x) {
  // exp stops growing at 2^127.5: a larger -x must not grow on above it.
  return div(max(set1(-104.0F), x), add(set1(1.0F), exp(sub(set1(0.0F), x))));
}

/// s(w) and s(w) (1 - s(w)), s the logistic function, from e = exp(-|w|), which does not overflow: s = 1 / (1
/// + e) or e / (1 + e), s (1 - s) = e / (1 + e)^2.
DNALM_ISA_INLINE value_and_slope logistic_both(lanes w) {
  const lanes e = exp(sub(set1(0.0F), abs(w)));
  const lanes inverse = div(set1(1.0F), add(set1(1.0F), e));
  const lanes other = mul(e, inverse);
  return {where_negative(w, other, inverse), mul(other, inverse)};
}

/// x s(x), and s(x) + x s(x) (1 - s(x)): the slope within 2e-7 (as above). exp(-|x|) is 0 from 87.4 on.
DNALM_ISA_INLINE value_and_slope silu_both(lanes x) {
  const value_and_slope s = logistic_both(x);
  return {mul(max(set1(-104.0F), x), s.value), fma(clamp(x, 100.0F), s.slope, s.value)};
}

/// x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3): the same as x / 2 (1 + tanh u).
DNALM_ISA_INLINE lanes gelu_tanh(lanes x) {
  const lanes cubic = mul(mul(x, x), x);
  const lanes twice = mul(set1(-1.59576912F), fma(cubic, set1(0.044715F), x));
  return div(max(set1(-104.0F), x), add(set1(1.0F), exp(twice)));  // as in silu
}

/// x s(w), and s(w) + x w' s(w) (1 - s(w)), w = 2 u: the slope within 2.3e-7 (as above). exp(-|w|) is 0 from
/// |x| = 10.1 on.
DNALM_ISA_INLINE value_and_slope gelu_tanh_both(lanes x) {
  const lanes near = clamp(x, 12.0F);
  const lanes square = mul(near, near);
  const lanes twice = mul(near, set1(1.59576912F));
  const lanes w = mul(twice, fma(square, set1(0.044715F), set1(1.0F)));
  const value_and_slope s = logistic_both(w);
  const lanes rise = mul(twice, fma(square, set1(0.134145F), set1(1.0F)));
  return {mul(max(set1(-104.0F), x), s.value), fma(rise, s.slope, s.value)};
}

/// x / (1 + exp(-1.702 x))
DNALM_ISA_INLINE lanes gelu_sigmoid(lanes x) {
  const lanes bounded = max(set1(-62.0F), x);  // as in silu
  return div(bounded, add(set1(1.0F), exp(mul(set1(-1.702F), x))));
}

/// x s(w), and s(w) + w s(w) (1 - s(w)), w = 1.702 x.
DNALM_ISA_INLINE value_and_slope gelu_sigmoid_both(lanes x) {
  const value_and_slope s = logistic_both(mul(set1(1.702F), x));
  const lanes near = mul(set1(1.702F), clamp(x, 60.0F));
  return {mul(max(set1(-62.0F), x), s.value), fma(near, s.slope, s.value)};
}

/// max(x, 0); NaN stays NaN. The slope at 0 is 0.
DNALM_ISA_INLINE lanes relu(lanes x) {
  return max(set1(0.0F), x);
}
DNALM_ISA_INLINE value_and_slope relu_both(lanes x) {
  const lanes one = set1(1.0F);
  return {relu(x), where_negative(sub(set1(0.0F), x), one, set1(0.0F))};
}

/// With e = exp(-2 |x|): (1 - e) / (1 + e) with the sign of x, and 4 e / (1 + e)^2. Near 0 within 1e-7
/// (absolute).
DNALM_ISA_INLINE value_and_slope tanh_both(lanes x) {
  const lanes e = exp(mul(set1(-2.0F), abs(x)));
  const lanes inverse = div(set1(1.0F), add(set1(1.0F), e));
  const lanes far = mul(sub(set1(1.0F), e), inverse);
  const lanes slope = mul(mul(set1(4.0F), e), mul(inverse, inverse));
  return {where_negative(x, sub(set1(0.0F), far), far), slope};
}

/// log(1 + e) for 0 <= e <= 1: 2 artanh(e / (2 + e)), by its series.
DNALM_ISA_INLINE lanes log1p_of_unit(lanes e) {
  const lanes s = div(e, add(set1(2.0F), e));
  const lanes q = mul(s, s);
  lanes p = set1(1.0F / 15.0F);
  p = fma(p, q, set1(1.0F / 13.0F));
  p = fma(p, q, set1(1.0F / 11.0F));
  p = fma(p, q, set1(1.0F / 9.0F));
  p = fma(p, q, set1(1.0F / 7.0F));
  p = fma(p, q, set1(1.0F / 5.0F));
  p = fma(p, q, set1(1.0F / 3.0F));
  const lanes twice = add(s, s);
  return fma(mul(p, q), twice, twice);
}

/// max(x, 0) + log(1 + exp(-|x|)), and the logistic function.
DNALM_ISA_INLINE value_and_slope softplus_both(lanes x) {
  const lanes e = exp(sub(set1(0.0F), abs(x)));
  return {add(relu(x), log1p_of_unit(e)), logistic_both(x).value};
}

DNALM_ISA_INLINE lanes activate(activation function, lanes x) {
  switch (function) {
    case activation::gelu_erf: return gelu_erf(x);
    case activation::gelu_tanh: return gelu_tanh(x);
    case activation::gelu_sigmoid: return gelu_sigmoid(x);
    case activation::silu: return silu(x);
    case activation::relu: return relu(x);
    case activation::sigmoid: return logistic_both(x).value;
    case activation::tanh: return tanh_both(x).value;
    case activation::exponential: return exp(x);
    case activation::softplus: return softplus_both(x).value;
    case activation::none: break;
  }
  return x;
}

/// `activate` (to a few units of its last place) and its derivative by x.
DNALM_ISA_INLINE value_and_slope activate_both(activation function, lanes x) {
  switch (function) {
    case activation::gelu_erf: return gelu_erf_both(x);
    case activation::gelu_tanh: return gelu_tanh_both(x);
    case activation::gelu_sigmoid: return gelu_sigmoid_both(x);
    case activation::silu: return silu_both(x);
    case activation::relu: return relu_both(x);
    case activation::sigmoid: return logistic_both(x);
    case activation::tanh: return tanh_both(x);
    case activation::exponential: return {exp(x), exp(x)};
    case activation::softplus: return softplus_both(x);
    case activation::none: break;
  }
  return {x, set1(1.0F)};
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
