// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief y += x and y *= factor in double.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] += x[r, c]: the only accumulating kernel. It is its own adjoint.
inline void reference_add(matrix_view<const double> x, matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c) y(r, c) += x(r, c);
  }
}

/// y[r, c] *= factor. It is its own adjoint.
inline void reference_scale(double factor, matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c) y(r, c) *= factor;
  }
}

DNALM_END_NAMESPACE
