// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Gated linear units and activations in double, with their adjoints.
#pragma once

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = function(x[r, c]) x[r, F + c]: the first half is activated. x (R, 2F), y (R, F), not
/// overlapping.
inline void reference_gated(matrix_view<const double> x, activation function, matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c)
      y(r, c) = apply_activation(function, x(r, c)) * x(r, y.columns + c);
  }
}

/// dx[r, c] = function'(a) b dy[r, c] and dx[r, F + c] = function(a) dy[r, c] with a = x[r, c], b = x[r, F +
/// c]. x, dx (R, 2F), dy (R, F); dx may be x.
inline void reference_gated_vjp(matrix_view<const double> x, activation function,
                                matrix_view<const double> dy, matrix_view<double> dx) {
  for (index_t r = 0; r < dy.rows; ++r) {
    for (index_t c = 0; c < dy.columns; ++c) {
      const double a = x(r, c);
      const double b = x(r, dy.columns + c);
      dx(r, c) = activation_derivative(function, a) * b * dy(r, c);
      dx(r, dy.columns + c) = apply_activation(function, a) * dy(r, c);
    }
  }
}

/// y[r, c] = function(x[r, c]); y may be x.
inline void reference_activate(matrix_view<const double> x, activation function, matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c) y(r, c) = apply_activation(function, x(r, c));
  }
}

/// dz[r, c] = function'(z[r, c]) dy[r, c]: the adjoint of y = function(z). dz may be dy or z.
inline void reference_activation_vjp(matrix_view<const double> z, activation function,
                                     matrix_view<const double> dy, matrix_view<double> dz) {
  for (index_t r = 0; r < dz.rows; ++r) {
    for (index_t c = 0; c < dz.columns; ++c) dz(r, c) = activation_derivative(function, z(r, c)) * dy(r, c);
  }
}

DNALM_END_NAMESPACE
