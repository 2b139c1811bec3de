// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products of rows by elements in float, with their adjoint.
///
/// One rounding per element, which every compiler's loop and every instruction set makes alike.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = a[r, c] b[r, c]; y may be a or b. Cost: two reads and one write.
inline void cpu_multiply(matrix_view<const float> a, matrix_view<const float> b, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const float* left = a.row_data(r);
    const float* right = b.row_data(r);
    float* out = y.row_data(r);
    for (index_t c = 0; c < y.columns; ++c) out[c] = left[c] * right[c];
  }
}

/// da[r, c] = b[r, c] dy[r, c], db[r, c] = a[r, c] dy[r, c]; each may be any of a, b and dy, not both the
/// same.
inline void cpu_multiply_vjp(matrix_view<const float> a, matrix_view<const float> b,
                             matrix_view<const float> dy, matrix_view<float> da, matrix_view<float> db) {
  for (index_t r = 0; r < dy.rows; ++r) {
    for (index_t c = 0; c < dy.columns; ++c) {
      const float by_a = b(r, c) * dy(r, c);
      const float by_b = a(r, c) * dy(r, c);
      da(r, c) = by_a;
      db(r, c) = by_b;
    }
  }
}

DNALM_END_NAMESPACE
