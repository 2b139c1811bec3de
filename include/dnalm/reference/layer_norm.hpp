// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief LayerNorm of rows in double.
#pragma once

#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = (x[r, c] - mean_r) / sqrt(var_r + eps) gamma[c] + beta[c],
/// mean_r = (1 / D) sum over c of x[r, c], var_r = (1 / D) sum over c of (x[r, c] - mean_r)^2. y may be x.
inline void reference_layer_norm(matrix_view<const double> x, vector_view<const double> gamma,
                                 vector_view<const double> beta, double eps, matrix_view<double> y) {
  const auto width = static_cast<double>(x.columns);
  for (index_t r = 0; r < x.rows; ++r) {
    double mean = 0.0;
    for (index_t c = 0; c < x.columns; ++c) mean += x(r, c);
    mean /= width;
    double variance = 0.0;
    for (index_t c = 0; c < x.columns; ++c) variance += (x(r, c) - mean) * (x(r, c) - mean);
    variance /= width;
    const double factor = 1.0 / std::sqrt(variance + eps);
    for (index_t c = 0; c < x.columns; ++c) y(r, c) = (x(r, c) - mean) * factor * gamma[c] + beta[c];
  }
}

/// dx[r, c] = factor_r (g_c - mean(g) - h_c mean(g h)), g_c = dy[r, c] gamma[c], h_c = (x[r, c] - mean_r)
/// factor_r, factor_r = 1 / sqrt(var_r + eps); means over c. x, dy, dx (R, D); dx may be dy, not x.
inline void reference_layer_norm_vjp(matrix_view<const double> x, vector_view<const double> gamma, double eps,
                                     matrix_view<const double> dy, matrix_view<double> dx) {
  const auto width = static_cast<double>(x.columns);
  for (index_t r = 0; r < x.rows; ++r) {
    double mean = 0.0;
    for (index_t c = 0; c < x.columns; ++c) mean += x(r, c);
    mean /= width;
    double variance = 0.0;
    for (index_t c = 0; c < x.columns; ++c) variance += (x(r, c) - mean) * (x(r, c) - mean);
    variance /= width;
    const double factor = 1.0 / std::sqrt(variance + eps);
    double g = 0.0;
    double gh = 0.0;
    for (index_t c = 0; c < x.columns; ++c) {
      g += dy(r, c) * gamma[c];
      gh += dy(r, c) * gamma[c] * ((x(r, c) - mean) * factor);
    }
    for (index_t c = 0; c < x.columns; ++c) {
      const double h = (x(r, c) - mean) * factor;
      dx(r, c) = factor * (dy(r, c) * gamma[c] - g / width - h * (gh / width));
    }
  }
}

DNALM_END_NAMESPACE
