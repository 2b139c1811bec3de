// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Pearson's and Spearman's correlation.
#pragma once

#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include <dnalm/metrics/checks.hpp>
#include <dnalm/metrics/counts.hpp>
#include <dnalm/metrics/value_order.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

namespace detail {

/// sxy / sqrt(sxx syy) in [-1, 1]; NaN when a column is constant.
[[nodiscard]] inline double correlation_of(double sxx, double syy, double sxy) {
  if (!(sxx > 0) || !(syy > 0)) return std::numeric_limits<double>::quiet_NaN();
  const double product = sxx * syy;  // one root where it neither overflows nor loses bits
  const double root =
      product > 1e-280 && product < 1e280 ? std::sqrt(product) : std::sqrt(sxx) * std::sqrt(syy);
  const double r = sxy / root;
  return r > 1 ? 1 : (r < -1 ? -1 : r);
}

[[nodiscard]] inline bool is_constant(std::span<const double> values, row_counts counts) {
  const double* first = nullptr;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (count_of(counts, static_cast<index_t>(i)) == 0) continue;
    if (first == nullptr) first = &values[i];
    if (values[i] != *first) return false;
  }
  return true;
}

[[nodiscard]] inline double mean_of(std::span<const double> values, row_counts counts) {
  double sum = 0;
  double total = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto count = static_cast<double>(count_of(counts, static_cast<index_t>(i)));
    sum += count * values[i];
    total += count;
  }
  return sum / total;
}

/// Pearson with row counts (two passes); a constant column gives NaN even where its mean is not exact.
[[nodiscard]] inline double counted_pearson(std::span<const double> x, std::span<const double> y,
                                            row_counts counts) {
  if (is_constant(x, counts) || is_constant(y, counts)) return std::numeric_limits<double>::quiet_NaN();
  const double mean_x = mean_of(x, counts);
  const double mean_y = mean_of(y, counts);
  double sxx = 0;
  double syy = 0;
  double sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto count = static_cast<double>(count_of(counts, static_cast<index_t>(i)));
    const double dx = x[i] - mean_x;
    const double dy = y[i] - mean_y;
    sxx += count * dx * dx;
    syy += count * dy * dy;
    sxy += count * dx * dy;
  }
  return correlation_of(sxx, syy, sxy);
}

/// Spearman from presorted columns; `scratch_x` and `scratch_y` have one entry per row.
[[nodiscard]] inline double counted_spearman(const value_order& x, const value_order& y, row_counts counts,
                                             std::span<double> scratch_x, std::span<double> scratch_y) {
  centred_ranks(x, counts, scratch_x);
  centred_ranks(y, counts, scratch_y);
  double sxx = 0;
  double syy = 0;
  double sxy = 0;
  for (std::size_t i = 0; i < scratch_x.size(); ++i) {
    const auto count = static_cast<double>(count_of(counts, static_cast<index_t>(i)));
    sxx += count * scratch_x[i] * scratch_x[i];
    syy += count * scratch_y[i] * scratch_y[i];
    sxy += count * scratch_x[i] * scratch_y[i];
  }
  return correlation_of(sxx, syy, sxy);
}

}  // namespace detail

/// Pearson's r = sum (x - mx)(y - my) / sqrt(sum (x - mx)^2 sum (y - my)^2), two passes.
///
/// NaN when a column is constant or fewer than two pairs remain. Pairs with a NaN are left out by default.
/// \throws error [dnalm.shape.500], [dnalm.numeric.501] (policy `error`). Cost: O(n).
[[nodiscard]] inline double pearson(std::span<const double> x, std::span<const double> y,
                                    nan_policy policy = nan_policy::omit) {
  const auto kept = apply_nan_policy(x, y, policy, "pearson");
  if (kept.is_nan || kept.first.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  return detail::counted_pearson(kept.first, kept.second, {});
}

/// Spearman's rho: Pearson's r of average ranks, ties sharing the mean of their ranks.
///
/// NaN when a column is constant or fewer than two pairs remain. Pairs with a NaN are left out by default,
/// before ranking. Bitwise the same for any order of the rows (up to about 200,000). \throws as pearson.
/// Cost: O(n log n).
[[nodiscard]] inline double spearman(std::span<const double> x, std::span<const double> y,
                                     nan_policy policy = nan_policy::omit) {
  const auto kept = apply_nan_policy(x, y, policy, "spearman");
  if (kept.is_nan || kept.first.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> rank_x(kept.first.size());
  std::vector<double> rank_y(kept.first.size());
  return detail::counted_spearman(order_by_value(kept.first), order_by_value(kept.second), {}, rank_x,
                                  rank_y);
}

}  // namespace metrics

DNALM_END_NAMESPACE
