// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Gated linear units in double.
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
// adjoint: reference_gated_vjp, next to this function

DNALM_END_NAMESPACE
