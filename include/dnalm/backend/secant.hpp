// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Slopes of scalar functions between two points, DeepLIFT's elementwise rule: they tend to the
/// derivative where the points meet and are never 0 / 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include <dnalm/backend/activation.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The mean of `slope` between r and r + d by Gauss and Legendre's rule of 5 points (double) or 3 (float).
template <class T, class Slope>
[[nodiscard]] T mean_slope(T r, T d, Slope&& slope) {
  const T middle = r + d / T(2);
  const T half = d / T(2);
  if constexpr (std::is_same_v<T, float>) {
    constexpr T far = T(0.77459666924148337704);
    return (T(8) * slope(middle) + T(5) * (slope(middle - far * half) + slope(middle + far * half))) / T(18);
  } else {
    constexpr T near = T(0.53846931010568309104);
    constexpr T far = T(0.90617984593866399280);
    constexpr T by_middle = T(0.28444444444444444444);
    constexpr T by_near = T(0.23931433524968323402);
    constexpr T by_far = T(0.11846344252809454376);
    return by_middle * slope(middle) + by_near * (slope(middle - near * half) + slope(middle + near * half)) +
           by_far * (slope(middle - far * half) + slope(middle + far * half));
  }
}

/// sinh(h) / h for |h| <= 1 by its series in h^2: what is left out is below 1e-17.
template <class T>
[[nodiscard]] T sinh_ratio(T h) {
  const T x = h * h;
  T sum = T(1) / T(272);
  for (const int n : {210, 156, 110, 72, 42, 20, 6}) sum = (T(1) + x * sum) / static_cast<T>(n);
  return T(1) + x * sum;
}

/// (a - b) / d for a = exp(x), b = exp(x - d), as exp_secant without exponentials.
template <class T>
[[nodiscard]] T exp_secant_of(T a, T b, T d) {
  if (std::abs(d) > T(2)) return (a - b) / d;
  return std::sqrt(a) * std::sqrt(b) * sinh_ratio(d / T(2));
}

}  // namespace detail

/// (exp(x) - exp(r)) / (x - r) = exp((x + r) / 2) sinh(h) / h, h = (x - r) / 2: no step of it cancels.
/// Relative error: a few units in the last place, times 1 + |x| for exp's own argument.
template <class T>
[[nodiscard]] T exp_secant(T x, T r) {
  const T h = (x - r) / T(2);
  if (std::abs(h) > T(1)) return (std::exp(x) - std::exp(r)) / (x - r);
  return std::exp(r + h) * detail::sinh_ratio(h);
}

/// (max(x, 0) - max(r, 0)) / (x - r); between equal points the derivative.
template <class T>
[[nodiscard]] T relu_secant(T x, T r) {
  if (x > T(0) && r > T(0)) return T(1);
  if (x <= T(0) && r <= T(0)) return T(0);
  return std::max(x, r) / std::abs(x - r);
}

/// (f(x) - f(r)) / (x - r) for the named function f.
///
/// For |x - r| <= 1/8 max(1, |x + r| / 2), 1 at most, it is the mean of f' between the points by a quadrature
/// whose error is below the rounding of f' (double: 4e-13 d^10 times the 11th derivative); beyond, the
/// difference of the two values, whose error, 8 units in the last place of f, is that of the forward pass.
/// relu and exp have closed forms. Source of the rule: Shrikumar, Greenside and Kundaje, "Learning important
/// features through propagating activation differences", 2017.
template <class T>
[[nodiscard]] T activation_secant(activation function, T x, T r) {
  switch (function) {
    case activation::none: return T(1);
    case activation::relu: return relu_secant(x, r);
    case activation::exponential: return exp_secant(x, r);
    default: break;
  }
  const T d = x - r;
  if (d == T(0)) return activation_derivative(function, x);
  const T size = std::max(T(1), std::abs(x + r) / T(2));
  if (std::abs(d) <= std::min(T(1), size / T(8))) {
    return detail::mean_slope(r, d, [function](T z) { return activation_derivative(function, z); });
  }
  return (apply_activation(function, x) - apply_activation(function, r)) / d;
}

/// (x^(-1/2) - r^(-1/2)) / (x - r) = -1 / (sqrt(x) sqrt(r) (sqrt(x) + sqrt(r))) for positive x and r.
template <class T>
[[nodiscard]] T inverse_root_secant(T x, T r) {
  const T a = std::sqrt(x);
  const T b = std::sqrt(r);
  return T(-1) / (a * b * (a + b));
}

DNALM_END_NAMESPACE
