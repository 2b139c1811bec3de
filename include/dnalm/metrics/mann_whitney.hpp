// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The Mann-Whitney U test: do values of one sample tend to be larger than those of another?
///
/// Source: Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than
/// the other", Annals of Mathematical Statistics 18, 1947.
#pragma once

#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// What is tested against: any difference, or that the first sample is larger (smaller).
enum class test_side { both, greater, less };

/// How a p-value comes about.
enum class rank_test_method {
  automatic,  ///< exact without ties when n1 n2 <= 2500, else normal
  exact,      ///< from all orders of the ranks; ties are an error
  normal      ///< normal with corrections for ties and continuity
};

/// Outcome of a Mann-Whitney test.
struct rank_test {
  double u = 0;        ///< pairs with x > y, plus half of those with x = y
  double p_value = 1;  ///< of the side asked for
  double share = 0;    ///< u / (n1 n2): the AUROC of x against y
  bool exact = false;  ///< whether the p-value is exact
};

/// Tests x against y.
///
/// Exact: P(U >= u) over all orders of distinct values; both sides: twice the smaller tail, at most 1.
/// Normal: z = (u - n1 n2 / 2 -+ 1/2) / s, s^2 = n1 n2 / 12 ((n + 1) - sum (t^3 - t) / (n (n - 1))) for runs
/// of t equal values, n = n1 + n2; 1 where all values are equal. Bitwise the same for any order of the
/// values. \throws error [dnalm.shape.500] for an empty sample, [dnalm.numeric.501] for a NaN,
/// [dnalm.input.502] when the exact test is asked for and values are equal, or n1 n2 > 10,000. Cost: O(n log
/// n), exact O((n1 + n2) n1^2 n2).
[[nodiscard]] rank_test mann_whitney(std::span<const double> x, std::span<const double> y,
                                     test_side side = test_side::both,
                                     rank_test_method method = rank_test_method::automatic);

}  // namespace metrics

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/metrics/detail/mann_whitney_impl.hpp>
#endif
