// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of embedding tables in double.
#pragma once

#include <cstdint>
#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = row_scale[r] table[ids[r], c]; row_scale empty: 1. ids are rows of the table.
inline void reference_embed_rows(std::span<const std::int32_t> ids, matrix_view<const double> table,
                                 std::span<const double> row_scale, matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    for (index_t c = 0; c < y.columns; ++c) {
      y(r, c) = table(ids[at], c) * (row_scale.empty() ? 1.0 : row_scale[at]);
    }
  }
}
// adjoint: reference_embed_rows_vjp_onehot (dL/d one-hot = dy table^T), next to this function

/// y[r, c] += table[ids[r], c].
inline void reference_add_rows(std::span<const std::int32_t> ids, matrix_view<const double> table,
                               matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c) y(r, c) += table(ids[static_cast<std::size_t>(r)], c);
  }
}

DNALM_END_NAMESPACE
