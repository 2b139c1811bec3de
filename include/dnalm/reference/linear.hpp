// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products with weights in double.
#pragma once

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/reference/gated.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, n] = residual[r, n] + function(sum over k of x[r, k] w[n, k] + bias[n]).
/// x (R, in), w (out, in), y (R, out); y may be the residual, not x.
inline void reference_linear(matrix_view<const double> x, matrix_view<const double> w,
                             const linear_epilogue<double>& epilogue, matrix_view<double> y) {
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t n = 0; n < w.rows; ++n) {
      double sum = 0.0;
      for (index_t k = 0; k < x.columns; ++k) sum += x(r, k) * w(n, k);
      if (!epilogue.bias.empty()) sum += epilogue.bias[n];
      sum = apply_activation(epilogue.function, sum);
      y(r, n) = epilogue.residual.data == nullptr ? sum : epilogue.residual(r, n) + sum;
    }
  }
}

/// y[r, f] = function(a) b, [a | b] = x[r] w^T + bias: both steps of a gated layer.
/// x (R, in), w (2 F, in), scratch (2 F), y (R, F) not x; the residual of the epilogue is not used.
inline void reference_linear_gated(matrix_view<const double> x, matrix_view<const double> w,
                                   const linear_epilogue<double>& epilogue, vector_view<double> scratch,
                                   matrix_view<double> y) {
  const matrix_view<double> both = as_matrix(scratch.data, 1, w.rows);
  for (index_t r = 0; r < x.rows; ++r) {
    reference_linear(x.row_block(r, 1), w, {.bias = epilogue.bias}, both);
    reference_gated(both, epilogue.function, y.row_block(r, 1));
  }
}

/// dx[r, k] = residual[r, k] + sum over n of dy[r, n] w[n, k]: the adjoint of the product alone.
/// dy (R, out), w (out, in), residual (R, in; data null: none), dx (R, in); dx may be the residual, not dy.
inline void reference_linear_vjp(matrix_view<const double> dy, matrix_view<const double> w,
                                 matrix_view<const double> residual, matrix_view<double> dx) {
  for (index_t r = 0; r < dx.rows; ++r) {
    for (index_t k = 0; k < dx.columns; ++k) {
      double sum = 0.0;
      for (index_t n = 0; n < w.rows; ++n) sum += dy(r, n) * w(n, k);
      dx(r, k) = residual.data == nullptr ? sum : residual(r, k) + sum;
    }
  }
}

DNALM_END_NAMESPACE
