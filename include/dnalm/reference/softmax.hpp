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

/// dx[r, c] = p[r, c] (dp[r, c] - sum over j of p[r, j] dp[r, j]), p the probabilities. dx may be dp.
inline void reference_softmax_rows_vjp(matrix_view<const double> p, matrix_view<const double> dp,
                                       matrix_view<double> dx) {
  for (index_t r = 0; r < p.rows; ++r) {
    double mean = 0.0;
    for (index_t c = 0; c < p.columns; ++c) mean += p(r, c) * dp(r, c);
    for (index_t c = 0; c < p.columns; ++c) dx(r, c) = p(r, c) * (dp(r, c) - mean);
  }
}

DNALM_END_NAMESPACE
