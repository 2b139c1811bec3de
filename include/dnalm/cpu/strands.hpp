// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The two strands of hidden states in float: beside each other, and below each other.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = x[r, c], y[R + r, c] = x[r, 2 D - 1 - c]; where `exchanged`, the halves of x change places
/// first: y[r, c] = x[r, D + c], y[R + r, c] = x[r, D - 1 - c]. For `count` rows r from `first` on; x (R, 2
/// D), y (2 R, D), not overlapping. Cost: one read and one write.
inline void cpu_fold_strands(matrix_view<const float> x, bool exchanged, index_t first, index_t count,
                             matrix_view<float> y) {
  const index_t d = y.columns;
  for (index_t r = first; r < first + count; ++r) {
    const float* given = x.row_data(r) + (exchanged ? d : 0);
    const float* other = x.row_data(r) + (exchanged ? d : 2 * d) - 1;
    float* one = y.row_data(r);
    float* two = y.row_data(x.rows + r);
    for (index_t c = 0; c < d; ++c) one[c] = given[c];
    for (index_t c = 0; c < d; ++c) two[c] = other[-c];
  }
}

/// The other way: the adjoint, and the inverse. y (2 R, D), x (R, 2 D), not overlapping.
inline void cpu_unfold_strands(matrix_view<const float> y, bool exchanged, index_t first, index_t count,
                               matrix_view<float> x) {
  const index_t d = y.columns;
  for (index_t r = first; r < first + count; ++r) {
    float* given = x.row_data(r) + (exchanged ? d : 0);
    float* other = x.row_data(r) + (exchanged ? d : 2 * d) - 1;
    const float* one = y.row_data(r);
    const float* two = y.row_data(x.rows + r);
    for (index_t c = 0; c < d; ++c) given[c] = one[c];
    for (index_t c = 0; c < d; ++c) other[-c] = two[c];
  }
}

DNALM_END_NAMESPACE
