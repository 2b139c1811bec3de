// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products with weights in double.
#pragma once

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
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
// adjoint: reference_linear_vjp_input and reference_linear_vjp_params, next to this function

DNALM_END_NAMESPACE
