// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sums in a fixed order, and the scaling of columns, that all probes share.
#pragma once

#include <algorithm>
#include <cmath>

#include <Eigen/Core>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

using row_matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Up to this width a tridiagonal reduction is quicker than a factorisation per penalty (1024: 0.3 s against
/// 41 x 0.07 s; 2048: 3.9 s against 41 x 0.53 s).
inline constexpr index_t widest_tridiagonal = 2048;

/// Sums of products in four lanes: a fixed order that compilers can vectorise.
[[nodiscard]] inline double dot_in_lanes(const double* a, const double* b, index_t size) {
  double lanes[4] = {0, 0, 0, 0};
  index_t i = 0;
  for (; i + 4 <= size; i += 4) {
    for (index_t lane = 0; lane < 4; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < size; ++i) lanes[0] += a[i] * b[i];
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

/// Sum of products of a float row and double weights in eight lanes: a fixed order that compilers can
/// vectorise.
[[nodiscard]] inline double mixed_dot(const float* x, const double* weights, index_t size) {
  double lanes[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  index_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (index_t lane = 0; lane < 8; ++lane)
      lanes[lane] += static_cast<double>(x[i + lane]) * weights[i + lane];
  }
  for (; i < size; ++i) lanes[0] += static_cast<double>(x[i]) * weights[i];
  return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

/// Population standard deviation from a centred sum of squares; 0 when nothing but rounding is left of it.
[[nodiscard]] inline double column_scale(double squares, double weight, double mean, bool standardize) {
  const double deviation = std::sqrt(std::max(squares, 0.0) / weight);
  if (deviation <= 1e-12 * std::abs(mean) || deviation == 0) return 0;
  return standardize ? deviation : 1;
}

[[nodiscard]] inline double inverse_or_zero(double value) {
  return value > 0 ? 1 / value : 0;
}

}  // namespace detail

DNALM_END_NAMESPACE
