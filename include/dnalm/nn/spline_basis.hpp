// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Cubic B-splines over the positions of a sequence, with which Sei sums up what stands where.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE

/// Knots of `functions` cubic splines on [0, positions - 1]: both ends four times, between them (positions -
/// 1) j / (functions - 3), j = 1, ..., functions - 4 (equal shares of the positions).
[[nodiscard]] inline std::vector<double> spline_knots(index_t positions, index_t functions) {
  const auto last = static_cast<double>(positions - 1);
  std::vector<double> knots(4, 0.0);
  for (index_t j = 1; j <= functions - 4; ++j) {
    knots.push_back(last * static_cast<double>(j) / static_cast<double>(functions - 3));
  }
  knots.insert(knots.end(), 4, last);
  return knots;
}

/// S (positions, functions): S[r, i] = B_i(r), the cubic B-spline i of spline_knots at position r.
///
///     B_(i,0)(x) = 1 where t_i <= x < t_(i+1), else 0
///     B_(i,k)(x) = (x - t_i) / (t_(i+k) - t_i) B_(i,k-1)(x)
///                  + (t_(i+k+1) - x) / (t_(i+k+1) - t_(i+1)) B_(i+1,k-1)(x)
///
/// (Cox and de Boor; a term with equal knots is 0; the last position belongs to the last interval). Rows are
/// not negative and sum to 1; at most four of a row are not 0.
/// \throws error [dnalm.shape.355] fewer than 2 positions or 4 functions.
[[nodiscard]] inline matrix<double> spline_basis(index_t positions, index_t functions) {
  if (positions < 2 || functions < 4) {
    throw error(
        error_kind::shape, 355, "a cubic spline needs at least 2 positions and 4 functions",
        {.found = std::to_string(positions) + " positions, " + std::to_string(functions) + " functions"});
  }
  const std::vector<double> knots = spline_knots(positions, functions);
  matrix<double> basis(positions, functions);
  std::fill_n(basis.data(), positions * functions, 0.0);
  auto at = static_cast<std::size_t>(3);  // t_at <= x < t_(at+1)
  for (index_t r = 0; r < positions; ++r) {
    const auto x = static_cast<double>(r);
    while (at + 1 < static_cast<std::size_t>(functions) && knots[at + 1] <= x) ++at;
    std::array<double, 4> b{1.0, 0.0, 0.0, 0.0};  // B_(at-k,k), ..., B_(at,k)
    for (std::size_t k = 1; k <= 3; ++k) {
      double carried = 0.0;
      for (std::size_t i = 0; i < k; ++i) {
        const double right = knots[at + i + 1];
        const double left = knots[at + i + 1 - k];
        const double share = b[i] / (right - left);
        b[i] = carried + (right - x) * share;
        carried = (x - left) * share;
      }
      b[k] = carried;
    }
    for (std::size_t i = 0; i < 4; ++i) basis(r, static_cast<index_t>(at - 3 + i)) = b[i];
  }
  return basis;
}

DNALM_END_NAMESPACE
