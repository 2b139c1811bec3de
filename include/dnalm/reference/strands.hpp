// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The two strands of hidden states in double: beside each other, and below each other.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = x[r, c], y[R + r, c] = x[r, 2 D - 1 - c]; where `exchanged`, the halves of x change places
/// first: y[r, c] = x[r, D + c], y[R + r, c] = x[r, D - 1 - c]. x (R, 2 D), y (2 R, D), not overlapping.
inline void reference_fold_strands(matrix_view<const double> x, bool exchanged, matrix_view<double> y) {
  const index_t d = y.columns;
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t c = 0; c < d; ++c) {
      y(r, c) = x(r, exchanged ? d + c : c);
      y(x.rows + r, c) = x(r, exchanged ? d - 1 - c : 2 * d - 1 - c);
    }
  }
}

/// The other way: the adjoint, and the inverse. y (2 R, D), x (R, 2 D), not overlapping.
inline void reference_unfold_strands(matrix_view<const double> y, bool exchanged, matrix_view<double> x) {
  const index_t d = y.columns;
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t c = 0; c < d; ++c) {
      x(r, exchanged ? d + c : c) = y(r, c);
      x(r, exchanged ? d - 1 - c : 2 * d - 1 - c) = y(x.rows + r, c);
    }
  }
}

DNALM_END_NAMESPACE
