// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of metrics/paired_t.hpp.
#pragma once

#include <cmath>
#include <limits>

#include <dnalm/core/error.hpp>
#include <dnalm/metrics/checks.hpp>
#include <dnalm/metrics/paired_t.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {
namespace detail {

/// The continued fraction of the incomplete beta function, by Lentz' method: converges quickly for
/// x < (a + 1) / (a + b + 2). y = 1 - x, with all its digits.
[[nodiscard]] inline double beta_fraction(double a, double b, double x, double y) {
  constexpr double least = 1e-300;  // in place of 0
  const auto away = [](double value) { return std::abs(value) < least ? least : value; };
  double numerator = 1;
  double denominator = 1 / away((a * y + 1 - b * x) / (a + 1));
  double fraction = denominator;
  for (int m = 1; m <= 300; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    double change = 1;
    for (const double term : {even, odd}) {
      denominator = 1 / away(1 + term * denominator);
      numerator = away(1 + term / numerator);
      change = denominator * numerator;
      fraction *= change;
    }
    if (std::abs(change - 1) < 1e-16) break;
  }
  return fraction;
}

/// log B(a, 1/2), from the asymptotic series of log Gamma(a + 1/2) - log Gamma(a) where the two are large.
[[nodiscard]] inline double log_beta_half(double a) {
  const double log_root_pi = 0.572364942924700087071713675677;
  if (a < 50) return log_root_pi + std::lgamma(a) - std::lgamma(a + 0.5);
  const double r = 1 / a;
  return log_root_pi - 0.5 * std::log(a) + r / 8 - r * r * r / 192 + r * r * r * r * r / 640;
}

}  // namespace detail

DNALM_INLINE double student_t_tails(double t, double freedom) {
  if (std::isnan(t)) return t;
  if (std::isinf(t)) return 0;
  if (t == 0) return 1;
  const double a = freedom / 2;
  const double ratio = t / freedom * t;  // x = 1 / (1 + ratio)
  const double log_x = -std::log1p(ratio);
  const double log_y = -std::log1p(1 / ratio);
  const double head = std::exp(a * log_x + 0.5 * log_y - detail::log_beta_half(a));
  const double x = 1 / (1 + ratio);
  const double y = ratio / (1 + ratio);
  if (x < (a + 1) / (a + 2.5)) return head / a * detail::beta_fraction(a, 0.5, x, y);
  return 1 - head / 0.5 * detail::beta_fraction(0.5, a, y, x);
}

DNALM_INLINE mean_test paired_t(std::span<const double> differences) {
  if (differences.size() < 2) {
    throw error(error_kind::shape, 500, "a test of a mean needs two values at least",
                {.where = "paired_t", .found = std::to_string(differences.size())});
  }
  check_no_nan(differences, "paired_t");
  const auto n = static_cast<double>(differences.size());
  mean_test test{.count = static_cast<index_t>(differences.size())};
  for (const double difference : differences) test.mean += difference;
  test.mean /= n;
  double squares = 0;
  for (const double difference : differences) {
    squares += (difference - test.mean) * (difference - test.mean);
  }
  test.standard_error = std::sqrt(squares / (n - 1) / n);
  if (test.mean == 0) return test;
  test.t = test.standard_error > 0 ? test.mean / test.standard_error
                                   : std::copysign(std::numeric_limits<double>::infinity(), test.mean);
  test.p_value = student_t_tails(test.t, n - 1);
  return test;
}

}  // namespace metrics

DNALM_END_NAMESPACE
