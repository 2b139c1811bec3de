// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief RMS norm of rows in double.
#pragma once

#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// 1 / sqrt(mean(x^2) + eps) of row r.
[[nodiscard]] inline double reference_rms_factor(matrix_view<const double> x, index_t r, double eps) {
  double squares = 0.0;
  for (index_t c = 0; c < x.columns; ++c) squares += x(r, c) * x(r, c);
  return 1.0 / std::sqrt(squares / static_cast<double>(x.columns) + eps);
}

/// y[r, c] = x[r, c] factor_r gamma[c], factor_r = 1 / sqrt(mean over c of x[r, c]^2 + eps). y may be x.
/// Source: Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.
inline void reference_rms_norm(matrix_view<const double> x, vector_view<const double> gamma, double eps,
                               matrix_view<double> y) {
  for (index_t r = 0; r < x.rows; ++r) {
    const double factor = reference_rms_factor(x, r, eps);
    for (index_t c = 0; c < x.columns; ++c) y(r, c) = x(r, c) * factor * gamma[c];
  }
}

/// dx[r, c] = factor_r (g_c - h_c mean(g h)), g_c = dy[r, c] gamma[c], h_c = x[r, c] factor_r; the mean over
/// c. x, dy, dx (R, D); dx may be dy, not x.
inline void reference_rms_norm_vjp(matrix_view<const double> x, vector_view<const double> gamma, double eps,
                                   matrix_view<const double> dy, matrix_view<double> dx) {
  for (index_t r = 0; r < x.rows; ++r) {
    const double factor = reference_rms_factor(x, r, eps);
    double gh = 0.0;
    for (index_t c = 0; c < x.columns; ++c) gh += dy(r, c) * gamma[c] * (x(r, c) * factor);
    const double mean = gh / static_cast<double>(x.columns);
    for (index_t c = 0; c < x.columns; ++c) {
      dx(r, c) = factor * (dy(r, c) * gamma[c] - x(r, c) * factor * mean);
    }
  }
}

DNALM_END_NAMESPACE
