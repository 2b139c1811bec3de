// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Products of rows by elements in double, with their adjoint.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = a[r, c] b[r, c]; y may be a or b.
inline void reference_multiply(matrix_view<const double> a, matrix_view<const double> b,
                               matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c) y(r, c) = a(r, c) * b(r, c);
  }
}

/// da[r, c] = b[r, c] dy[r, c], db[r, c] = a[r, c] dy[r, c]; each may be any of a, b and dy, not both the
/// same.
inline void reference_multiply_vjp(matrix_view<const double> a, matrix_view<const double> b,
                                   matrix_view<const double> dy, matrix_view<double> da,
                                   matrix_view<double> db) {
  for (index_t r = 0; r < dy.rows; ++r) {
    for (index_t c = 0; c < dy.columns; ++c) {
      const double by_a = b(r, c) * dy(r, c);
      const double by_b = a(r, c) * dy(r, c);
      da(r, c) = by_a;
      db(r, c) = by_b;
    }
  }
}

DNALM_END_NAMESPACE
