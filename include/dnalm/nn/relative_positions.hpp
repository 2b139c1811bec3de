// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What Enformer's attention knows of the distance of two positions; in double.
///
/// The gamma densities are exponentials of differences of numbers around 3e4, whose neighbours in float are
/// 2e-3 apart: TensorFlow's float values, with which the published weights were trained, are up to 3e-3 of
/// themselves off. Here they are what the formula says, or a table of theirs.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// By what the gamma densities are divided.
enum class gamma_scale {
  positions,  ///< each function's largest over all distances: the published weights
  functions   ///< each distance's largest over all functions: networks trained with the PyTorch port's own
              ///< formula
};

/// Scaled gamma densities of one length T that are given, not computed: (2T - 1, functions), row-major.
struct gamma_table {
  std::vector<double> numbers = {};
  index_t functions = 0;

  friend bool operator==(const gamma_table&, const gamma_table&) = default;
  /// Whether it is that of sequences of `length` rows and so many functions.
  [[nodiscard]] bool fits(index_t length, index_t count) const {
    return functions == count && static_cast<index_t>(numbers.size()) == checked_mul(2 * length - 1, count);
  }
};

namespace detail {

/// Element i of `count` numbers from `first` to `last`; of one number the first.
[[nodiscard]] inline double spaced(double first, double last, index_t i, index_t count) {
  if (count == 1) return first;
  return first + (last - first) * static_cast<double>(i) / static_cast<double>(count - 1);
}

/// The density of the gamma distribution of mean mu and deviation s at x >= 0, c = (mu / s)^2, b = mu / s^2:
/// exp((c - 1) ln x - b x - ln Gamma(c) + c ln b); at 0 it is 0 (c > 1 here).
[[nodiscard]] inline double gamma_density(double x, double mean, double deviation) {
  const double shape = (mean / deviation) * (mean / deviation);
  const double rate = mean / (deviation * deviation);
  if (x == 0.0) return 0.0;
  return std::exp((shape - 1.0) * std::log(x) - rate * x - (std::lgamma(shape) - shape * std::log(rate)));
}

/// Divides densities by their largest numbers, as `scale` says.
inline void scale_gamma(matrix_view<double> rows, gamma_scale scale) {
  if (scale == gamma_scale::functions) {
    for (index_t r = 0; r < rows.rows; ++r) {
      const double largest = *std::max_element(rows.row_data(r), rows.row_data(r) + rows.columns);
      for (index_t c = 0; c < rows.columns; ++c) rows(r, c) /= largest;
    }
    return;
  }
  for (index_t c = 0; c < rows.columns; ++c) {
    double largest = rows(0, c);
    for (index_t r = 1; r < rows.rows; ++r) largest = std::max(largest, rows(r, c));
    for (index_t r = 0; r < rows.rows; ++r) rows(r, c) /= largest;
  }
}

}  // namespace detail

/// Features of the distances d = -(T - 1), ..., T - 1 in this order: (2T - 1, 6F) = [e | m | g | s e | s m |
/// s g], s the sign of d (0 at 0), each of F functions k = 0, ..., F - 1 of |d|:
///
///     e = exp(-ln 2 / h_k |d|),  h_k = 2^u, u evenly from 3 to log2 T
///     m = 1 where 2^(k+1) - 1 > |d|, else 0
///     g = (p_k(|d|) + 1e-8) / scale,  p_k the gamma density of mean mu_k, evenly from T / F to T, and
///         deviation T / (2F)
///
/// `count` is 6F. A table that fits `length` and F stands in place of g; any other is not looked at. \throws
/// error [dnalm.shape.356] no positions, or a count that is no multiple of 6.
[[nodiscard]] inline matrix<double> relative_position_features(index_t length, index_t count,
                                                               gamma_scale scale = gamma_scale::positions,
                                                               const gamma_table* table = nullptr) {
  if (length < 1 || count < 6 || count % 6 != 0) {
    throw error(error_kind::shape, 356,
                "relative position features need positions, and six numbers of a kind",
                {.expected = "a multiple of 6",
                 .found = std::to_string(count) + " numbers, " + std::to_string(length) + " positions"});
  }
  const index_t functions = count / 6;
  const auto t = static_cast<double>(length);
  const auto f = static_cast<double>(functions);
  const bool given = table != nullptr && table->fits(length, functions);
  matrix<double> x(2 * length - 1, count);
  for (index_t r = 0; r < x.rows(); ++r) {
    const auto distance = static_cast<double>(std::abs(r - (length - 1)));
    for (index_t k = 0; k < functions; ++k) {
      const double half_life = std::exp2(detail::spaced(3.0, std::log2(t), k, functions));
      const double mean = detail::spaced(t / f, t, k, functions);
      x(r, k) = std::exp(-std::numbers::ln2 / half_life * distance);
      x(r, functions + k) = std::exp2(static_cast<double>(k + 1)) - 1.0 > distance ? 1.0 : 0.0;
      x(r, 2 * functions + k) = given ? table->numbers[static_cast<std::size_t>(r * functions + k)]
                                      : detail::gamma_density(distance, mean, t / (2.0 * f)) + 1e-8;
    }
  }
  if (!given) detail::scale_gamma(x.view().column_block(2 * functions, functions), scale);
  for (index_t r = 0; r < x.rows(); ++r) {
    const double sign = r < length - 1 ? -1.0 : r > length - 1 ? 1.0 : 0.0;
    for (index_t c = 0; c < 3 * functions; ++c) x(r, 3 * functions + c) = sign * x(r, c);
  }
  return x;
}

DNALM_END_NAMESPACE
