// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief y += x and y *= factor in float.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/detail/row_arithmetic.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] += x[r, c]: the only accumulating kernel. It is its own adjoint.
inline void cpu_add(matrix_view<const float> x, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) detail::add_row(x.row_data(r), y.columns, y.row_data(r));
}

/// y[r, c] *= factor. It is its own adjoint.
inline void cpu_scale(float factor, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    detail::multiply_row(y.row_data(r), factor, y.columns, y.row_data(r));
  }
}

DNALM_END_NAMESPACE
