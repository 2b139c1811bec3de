// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief y += x and y *= factor in float.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] += x[r, c]: the only accumulating kernel. It is its own adjoint.
inline void cpu_add(matrix_view<const float> x, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const float* from = x.row_data(r);
    float* to = y.row_data(r);
    for (index_t c = 0; c < y.columns; ++c) to[c] += from[c];
  }
}

/// y[r, c] *= factor. It is its own adjoint.
inline void cpu_scale(float factor, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    float* row = y.row_data(r);
    for (index_t c = 0; c < y.columns; ++c) row[c] *= factor;
  }
}

DNALM_END_NAMESPACE
