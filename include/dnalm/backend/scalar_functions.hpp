// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Scalar formulas shared by all backends: activations and their derivatives, softplus, ALiBi slopes,
/// rotary angles.
///
/// Constants that the reference implementations form in float32 (rotary angles, ALiBi slopes and biases) are
/// formed in float32 here as well, whatever the backend computes in: at position 2047 a double angle is 1e-4
/// rad away.
#pragma once

#include <cmath>

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// x / 2 (1 + erf(x / sqrt 2)): the exact GELU.
template <class T>
[[nodiscard]] DNALM_HD T gelu_erf(T x) {
  return x * (T(0.5) * (T(1) + std::erf(x * T(0.70710678118654752440))));
}

/// Phi(x) + x phi(x), phi(x) = exp(-x^2 / 2) / sqrt(2 pi); 0 at -infinity, 1 at infinity.
template <class T>
[[nodiscard]] DNALM_HD T gelu_erf_derivative(T x) {
  if (std::abs(x) > T(40)) return x > T(0) ? T(1) : T(0);  // phi is 0 from 38.6 on, in double
  const T density = T(0.39894228040143267794) * std::exp(T(-0.5) * x * x);
  return T(0.5) * std::erfc(x * T(-0.70710678118654752440)) + x * density;
}

/// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
template <class T>
[[nodiscard]] DNALM_HD T gelu_tanh(T x) {
  const T inner = T(0.79788456080286535588) * (x + T(0.044715) * x * x * x);
  return x * (T(0.5) * (T(1) + std::tanh(inner)));
}

/// With s the logistic function: s(w) + x s(w) (1 - s(w)) w', w = 2 sqrt(2 / pi) (x + 0.044715 x^3), which is
/// the derivative of x s(w) = gelu_tanh(x); 0 at -infinity, 1 at infinity.
template <class T>
[[nodiscard]] DNALM_HD T gelu_tanh_derivative(T x) {
  if (std::abs(x) > T(30)) return x > T(0) ? T(1) : T(0);  // exp(-|w|) is 0 from 21.6 on, in double
  const T w = T(1.59576912160573071176) * (x + T(0.044715) * x * x * x);
  const T slope = T(1.59576912160573071176) * (T(1) + T(0.134145) * x * x);
  const T tail = std::exp(-std::abs(w));
  const T s = (w < T(0) ? tail : T(1)) / (T(1) + tail);
  return s + x * slope * (tail / ((T(1) + tail) * (T(1) + tail)));
}

/// x / (1 + exp(-x)).
template <class T>
[[nodiscard]] DNALM_HD T silu(T x) {
  return x / (T(1) + std::exp(-x));
}

/// With s the logistic function: s(x) + x s(x) (1 - s(x)); 0 at -infinity, 1 at infinity.
template <class T>
[[nodiscard]] DNALM_HD T silu_derivative(T x) {
  if (std::abs(x) > T(800)) return x > T(0) ? T(1) : T(0);  // exp(-|x|) is 0 from 746 on, in double
  const T tail = std::exp(-std::abs(x));
  const T s = (x < T(0) ? tail : T(1)) / (T(1) + tail);
  return s + x * (tail / ((T(1) + tail) * (T(1) + tail)));
}

/// 1 / (1 + exp(-x)), by exp(-|x|), which does not overflow.
template <class T>
[[nodiscard]] DNALM_HD T sigmoid(T x) {
  const T tail = std::exp(-std::abs(x));
  return (x < T(0) ? tail : T(1)) / (T(1) + tail);
}

/// s(x) (1 - s(x)), s the logistic function.
template <class T>
[[nodiscard]] DNALM_HD T sigmoid_derivative(T x) {
  const T tail = std::exp(-std::abs(x));
  return tail / ((T(1) + tail) * (T(1) + tail));
}

/// x s(1.702 x), s the logistic function.
template <class T>
[[nodiscard]] DNALM_HD T gelu_sigmoid(T x) {
  return x / (T(1) + std::exp(T(-1.702) * x));
}

/// s(w) + w s(w) (1 - s(w)), w = 1.702 x: the derivative of silu at w.
template <class T>
[[nodiscard]] DNALM_HD T gelu_sigmoid_derivative(T x) {
  return silu_derivative(T(1.702) * x);
}

/// max(x, 0); NaN stays NaN.
template <class T>
[[nodiscard]] DNALM_HD T relu(T x) {
  return x < T(0) ? T(0) : x;
}

/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)).
template <class T>
[[nodiscard]] DNALM_HD T softplus(T x) {
  return relu(x) + std::log1p(std::exp(-std::abs(x)));
}

/// 1 - tanh(x)^2.
template <class T>
[[nodiscard]] DNALM_HD T tanh_derivative(T x) {
  const T y = std::tanh(x);
  return (T(1) - y) * (T(1) + y);
}

/// The named activation of one number.
template <class T>
[[nodiscard]] DNALM_HD T apply_activation(activation function, T x) {
  switch (function) {
    case activation::gelu_erf: return gelu_erf(x);
    case activation::gelu_tanh: return gelu_tanh(x);
    case activation::gelu_sigmoid: return gelu_sigmoid(x);
    case activation::silu: return silu(x);
    case activation::relu: return relu(x);
    case activation::sigmoid: return sigmoid(x);
    case activation::tanh: return std::tanh(x);
    case activation::exponential: return std::exp(x);
    case activation::softplus: return softplus(x);
    case activation::none: break;
  }
  return x;
}

/// Derivative of apply_activation by x.
template <class T>
[[nodiscard]] DNALM_HD T activation_derivative(activation function, T x) {
  switch (function) {
    case activation::gelu_erf: return gelu_erf_derivative(x);
    case activation::gelu_tanh: return gelu_tanh_derivative(x);
    case activation::gelu_sigmoid: return gelu_sigmoid_derivative(x);
    case activation::silu: return silu_derivative(x);
    case activation::relu: return x > T(0) ? T(1) : T(0);
    case activation::sigmoid: return sigmoid_derivative(x);
    case activation::tanh: return tanh_derivative(x);
    case activation::exponential: return std::exp(x);
    case activation::softplus: return sigmoid(x);
    case activation::none: break;
  }
  return T(1);
}

/// ALiBi slope of head h of `heads`, 0 <= h < heads, rounded to float.
///
/// With c the largest power of two <= heads: 2^(-8 (h + 1) / c) for h < c; the other heads take the slopes of
/// 2c heads at even places: 2^(-8 (2 (h - c) + 1) / (2c)).
[[nodiscard]] DNALM_HD inline float alibi_slope(index_t head, index_t heads) {
  index_t c = 1;
  while (2 * c <= heads) c *= 2;
  const double step = head < c ? static_cast<double>(head + 1) / static_cast<double>(c)
                               : static_cast<double>(2 * (head - c) + 1) / static_cast<double>(2 * c);
  return static_cast<float>(std::exp2(-8.0 * step));
}

/// Bias of two tokens: -slope |i - j|, a float32 product.
[[nodiscard]] DNALM_HD inline float alibi_bias(float slope, index_t i, index_t j) {
  return -slope * static_cast<float>(i < j ? j - i : i - j);
}

/// Rotary frequency of channel pair j, 0 <= j < width / 2: 1 / base^(2j / width), every step in float32. Used
/// only when the checkpoint does not store the frequencies.
[[nodiscard]] DNALM_HD inline float rotary_frequency(index_t j, index_t width, float base = 10000.0F) {
  return 1.0F / std::pow(base, static_cast<float>(2 * j) / static_cast<float>(width));
}

/// Rotary angle: float32(position) x frequency, a float32 product.
[[nodiscard]] DNALM_HD inline float rotary_angle(index_t position, float frequency) {
  return static_cast<float>(position) * frequency;
}

DNALM_END_NAMESPACE
