// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Mean, standard error and paired t test of differences.
///
/// Source: Student, "The probable error of a mean", Biometrika 6, 1908.
#pragma once

#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// What is known about the mean of differences between pairs.
struct mean_test {
  index_t count = 0;          ///< n
  double mean = 0;            ///< m = sum d / n
  double standard_error = 0;  ///< s / sqrt(n), s^2 = sum (d - m)^2 / (n - 1)
  double t = 0;               ///< m / standard error; 0 for m = 0, infinite where only the error is 0
  double p_value = 1;         ///< two-sided, Student's t with n - 1 degrees of freedom
};

/// P(|T| >= |t|) for Student's t with `freedom` degrees of freedom, above 0: the regularised incomplete beta
/// function I_x(freedom / 2, 1 / 2) at x = freedom / (freedom + t^2). Relative error below 1e-12 for up to
/// 1e4 degrees of freedom, 1e-10 for up to 1e6. Cost: at most 300 steps of a continued fraction.
[[nodiscard]] double student_t_tails(double t, double freedom);

/// Tests whether differences have the mean 0. Summed in the order given.
/// \throws error [dnalm.shape.500] for fewer than two differences, [dnalm.numeric.501] for a NaN.
[[nodiscard]] mean_test paired_t(std::span<const double> differences);

}  // namespace metrics

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/metrics/detail/paired_t_impl.hpp>
#endif
