// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief exp and the activations on 16 floats (body of vector_math.hpp).

DNALM_BEGIN_NAMESPACE
namespace detail::DNALM_ISA {

/// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2, exp(r) by a minimax polynomial of degree 6.
/// Within 2 units in the last place; 0 below -87.3, about 2^127.5 above 88.37; NaN stays NaN.
DNALM_ISA_INLINE lanes exp(lanes x) {
  const lanes smallest = set1(-87.3365F);
  const lanes clamped = min(set1(88.3762F), max(smallest, x));
  const lanes magic = set1(12582912.0F);  // 2^23 + 2^22: adding it rounds to an integer
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
  return zero_below(scale_exponent(add(p, set1(1.0F)), shifted), x, smallest);
}

/// x Phi(x) with Phi(x) = erfc(-x / sqrt 2) / 2.
///
/// erfc(z) = exp(-z^2) t P(t), t = 1 / (1 + z / 2), for z >= 0; P is a minimax polynomial (relative error
/// 4e-8).
DNALM_ISA_INLINE lanes gelu_erf(lanes x) {
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
  const lanes tail = mul(mul(p, t), mul(exp(fnma(z, z, set1(0.0F))), set1(0.5F)));
  return mul(x, where_negative(x, tail, sub(set1(1.0F), tail)));
}

/// x / (1 + exp(-x))
DNALM_ISA_INLINE lanes silu(lanes x) {
  return div(x, add(set1(1.0F), exp(sub(set1(0.0F), x))));
}

/// x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3): the same as x / 2 (1 + tanh u).
DNALM_ISA_INLINE lanes gelu_tanh(lanes x) {
  const lanes cubic = mul(mul(x, x), x);
  const lanes twice = mul(set1(-1.59576912F), fma(cubic, set1(0.044715F), x));
  return div(x, add(set1(1.0F), exp(twice)));
}

DNALM_ISA_INLINE lanes activate(activation function, lanes x) {
  switch (function) {
    case activation::gelu_erf: return gelu_erf(x);
    case activation::gelu_tanh: return gelu_tanh(x);
    case activation::silu: return silu(x);
    case activation::none: break;
  }
  return x;
}

}  // namespace detail::DNALM_ISA
DNALM_END_NAMESPACE
