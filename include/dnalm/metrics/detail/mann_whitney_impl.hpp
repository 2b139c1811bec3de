// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of metrics/mann_whitney.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/metrics/checks.hpp>
#include <dnalm/metrics/mann_whitney.hpp>
#include <dnalm/metrics/value_order.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {
namespace detail {

/// What both ways to a p-value need: twice U (a whole number), and sum (t^3 - t) over runs of equal values.
struct rank_sums {
  double twice_u = 0;
  double ties = 0;
};

[[nodiscard]] inline rank_sums sum_ranks(std::span<const double> x, std::span<const double> y) {
  std::vector<double> all(x.begin(), x.end());
  all.insert(all.end(), y.begin(), y.end());
  const value_order order = order_by_value(all);
  rank_sums sums;
  double smaller = 0;  // values of y below the run
  index_t begin = 0;
  for (const index_t end : order.ends) {
    double own = 0;
    for (index_t i = begin; i < end; ++i) {
      own += order.rows[static_cast<std::size_t>(i)] < static_cast<index_t>(x.size()) ? 1 : 0;
    }
    const auto run = static_cast<double>(end - begin);
    sums.twice_u += own * (2 * smaller + (run - own));
    sums.ties += run * run * run - run;
    smaller += run - own;
    begin = end;
  }
  return sums;
}

/// The probability of each U when all orders of n1 + n2 distinct values are equally likely.
///
/// The values are met from the smallest on; one of x adds the number of values of y below it. ways[i][u]:
/// orders so far with i of x and sum u. Positive sums only: no digits are lost.
[[nodiscard]] inline std::vector<double> exact_distribution(std::size_t n1, std::size_t n2) {
  if (n1 > n2) std::swap(n1, n2);  // U has the same distribution, and less memory serves
  const std::size_t most = n1 * n2 + 1;
  std::vector<std::vector<double>> ways(n1 + 1, std::vector<double>(most, 0.0));
  ways[0][0] = 1;
  for (std::size_t met = 0; met < n1 + n2; ++met) {
    const std::size_t least = met > n2 ? met - n2 : 0;
    for (std::size_t i = std::min(met + 1, n1); i-- > least;) {  // i of x so far, and one more
      const std::size_t below = met - i;
      for (std::size_t u = below; u < most; ++u) ways[i + 1][u] += ways[i][u - below];
    }
  }
  double total = 0;
  for (const double way : ways[n1]) total += way;
  for (double& way : ways[n1]) way /= total;
  return ways[n1];
}

/// P(U >= u) and P(U <= u).
struct rank_tails {
  double upper = 1;
  double lower = 1;
};

[[nodiscard]] inline rank_tails exact_tails(std::size_t n1, std::size_t n2, double u) {
  const std::vector<double> mass = exact_distribution(n1, n2);
  const auto at = static_cast<std::size_t>(u);
  rank_tails tails{0, 0};
  for (std::size_t i = mass.size(); i-- > at;) tails.upper += mass[i];
  for (std::size_t i = 0; i <= at; ++i) tails.lower += mass[i];
  return tails;
}

[[nodiscard]] inline rank_tails normal_tails(double n1, double n2, double u, double ties) {
  const double n = n1 + n2;
  const double variance = n1 * n2 / 12 * ((n + 1) - ties / (n * (n - 1)));
  if (!(variance > 0)) return {};
  const auto tail = [&](double excess) { return std::erfc((excess - 0.5) / std::sqrt(2 * variance)) / 2; };
  return {tail(u - n1 * n2 / 2), tail(n1 * n2 / 2 - u)};
}

}  // namespace detail

DNALM_INLINE rank_test mann_whitney(std::span<const double> x, std::span<const double> y, test_side side,
                                    rank_test_method method) {
  if (x.empty() || y.empty()) {
    throw error(error_kind::shape, 500, "a metric needs two columns that are not empty",
                {.where = "mann_whitney", .expected = "at least one value in each sample"});
  }
  check_no_nan(x, "mann_whitney");
  check_no_nan(y, "mann_whitney");
  const auto n1 = static_cast<double>(x.size());
  const auto n2 = static_cast<double>(y.size());
  const detail::rank_sums sums = detail::sum_ranks(x, y);
  rank_test test{.u = sums.twice_u / 2, .share = sums.twice_u / (2 * n1 * n2)};
  const bool wanted = method == rank_test_method::exact;
  test.exact = wanted || (method == rank_test_method::automatic && sums.ties == 0 && n1 * n2 <= 2500);
  if (wanted && (sums.ties > 0 || n1 * n2 > 10000)) {
    throw error(error_kind::input, 502, "the exact test is not defined or too large",
                {.where = "mann_whitney",
                 .expected = "values that all differ, n1 n2 <= 10000",
                 .found = std::to_string(x.size()) + " and " + std::to_string(y.size()) + " values"});
  }
  const detail::rank_tails tails = test.exact ? detail::exact_tails(x.size(), y.size(), test.u)
                                              : detail::normal_tails(n1, n2, test.u, sums.ties);
  switch (side) {
    case test_side::both: test.p_value = 2 * std::min(tails.upper, tails.lower); break;
    case test_side::greater: test.p_value = tails.upper; break;
    case test_side::less: test.p_value = tails.lower; break;
  }
  test.p_value = std::min(test.p_value, 1.0);
  return test;
}

}  // namespace metrics

DNALM_END_NAMESPACE
