// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The cubic B-spline basis by which MTSplice weighs positions.
#pragma once

#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// B_i(x) of cubic B-splines on non-decreasing knots, by Cox and de Boor; half-open intervals.
[[nodiscard]] inline double cubic_b_spline(const std::vector<double>& knots, std::size_t i, double x) {
  double values[4] = {};
  for (std::size_t k = 0; k < 4; ++k) values[k] = knots[i + k] <= x && x < knots[i + k + 1] ? 1.0 : 0.0;
  for (std::size_t degree = 1; degree < 4; ++degree) {
    for (std::size_t k = 0; k + degree < 4; ++k) {
      const double left = knots[i + k + degree] - knots[i + k];
      const double right = knots[i + k + degree + 1] - knots[i + k + 1];
      const double rising = left > 0.0 ? (x - knots[i + k]) / left * values[k] : 0.0;
      const double falling = right > 0.0 ? (knots[i + k + degree + 1] - x) / right * values[k + 1] : 0.0;
      values[k] = rising + falling;
    }
  }
  return values[0];
}

/// (length, bases), row-major: `bases` cubic B-splines on equidistant knots over the positions 0 to length -
/// 1 and a thousandth of that more on either side, at every position. Knots and values are rounded to float,
/// as the published layer keeps them. `bases` at least 4.
[[nodiscard]] inline std::vector<double> smooth_basis(index_t length, index_t bases) {
  const auto range = static_cast<double>(length - 1);
  const double begin = -range * 0.001;
  const double end = range + range * 0.001;
  const double step = (end - begin) / static_cast<double>(bases - 3);
  const auto count = static_cast<std::size_t>(bases) + 4;
  std::vector<double> knots(count);
  const double first = begin - step * 3;
  const double width = end + step * 3 - first;
  for (std::size_t k = 0; k < count; ++k) {
    const double knot = first + width * static_cast<double>(k) / static_cast<double>(count - 1);
    knots[k] = static_cast<double>(static_cast<float>(knot));
  }
  std::vector<double> basis;
  for (index_t x = 0; x < length; ++x) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(bases); ++i) {
      const double value = cubic_b_spline(knots, i, static_cast<double>(x));
      basis.push_back(static_cast<double>(static_cast<float>(value)));
    }
  }
  return basis;
}

}  // namespace detail
DNALM_END_NAMESPACE
