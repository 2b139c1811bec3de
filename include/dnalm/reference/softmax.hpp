// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax of rows in double.
#pragma once

#include <algorithm>
#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// x[r, c] = exp(x[r, c] - max_r) / sum over c of the same, in place. Rows have at least one column.
inline void reference_softmax_rows(matrix_view<double> x) {
  for (index_t r = 0; r < x.rows; ++r) {
    const auto row = x.row(r);
    const double largest = *std::max_element(row.begin(), row.end());
    double sum = 0.0;
    for (double& value : row) sum += value = std::exp(value - largest);
    for (double& value : row) value /= sum;
  }
}
// adjoint: reference_softmax_rows_vjp, next to this function

DNALM_END_NAMESPACE
