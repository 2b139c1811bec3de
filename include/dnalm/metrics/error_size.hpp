// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Mean squared error and R2.
#pragma once

#include <limits>
#include <span>

#include <dnalm/metrics/checks.hpp>
#include <dnalm/metrics/correlation.hpp>
#include <dnalm/metrics/counts.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

namespace detail {

[[nodiscard]] inline double counted_mse(std::span<const double> y, std::span<const double> p,
                                        row_counts counts) {
  double sum = 0;
  double total = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto count = static_cast<double>(count_of(counts, static_cast<index_t>(i)));
    sum += count * (y[i] - p[i]) * (y[i] - p[i]);
    total += count;
  }
  return sum / total;
}

[[nodiscard]] inline double counted_r2(std::span<const double> y, std::span<const double> p,
                                       row_counts counts) {
  if (is_constant(y, counts)) return std::numeric_limits<double>::quiet_NaN();
  const double mean = mean_of(y, counts);
  double residual = 0;
  double spread = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const auto count = static_cast<double>(count_of(counts, static_cast<index_t>(i)));
    residual += count * (y[i] - p[i]) * (y[i] - p[i]);
    spread += count * (y[i] - mean) * (y[i] - mean);
  }
  return 1 - residual / spread;
}

}  // namespace detail

/// Mean squared error: sum (y - p)^2 / n.
/// \throws error [dnalm.shape.500], [dnalm.numeric.501] (policy `error`, the default). Cost: O(n).
[[nodiscard]] inline double mse(std::span<const double> y, std::span<const double> p,
                                nan_policy policy = nan_policy::error) {
  const auto kept = apply_nan_policy(y, p, policy, "mse");
  if (kept.is_nan || kept.first.empty()) return std::numeric_limits<double>::quiet_NaN();
  return detail::counted_mse(kept.first, kept.second, {});
}

/// Coefficient of determination: 1 - sum (y - p)^2 / sum (y - mean y)^2. NaN when y is constant; may be
/// negative. \throws as mse. Cost: O(n).
[[nodiscard]] inline double r2(std::span<const double> y, std::span<const double> p,
                               nan_policy policy = nan_policy::error) {
  const auto kept = apply_nan_policy(y, p, policy, "r2");
  if (kept.is_nan || kept.first.empty()) return std::numeric_limits<double>::quiet_NaN();
  return detail::counted_r2(kept.first, kept.second, {});
}

}  // namespace metrics

DNALM_END_NAMESPACE
