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

/// Gradient by the looked-up rows: dx[r, c] = row_scale[r] dy[r, c]; row_scale empty: 1. dx may be dy.
inline void reference_embed_rows_vjp(std::span<const double> row_scale, matrix_view<const double> dy,
                                     matrix_view<double> dx) {
  for (index_t r = 0; r < dx.rows; ++r) {
    for (index_t c = 0; c < dx.columns; ++c) {
      dx(r, c) = dy(r, c) * (row_scale.empty() ? 1.0 : row_scale[static_cast<std::size_t>(r)]);
    }
  }
}

/// y[r, c] += table[ids[r], c]. The gradient by the rows is dy itself.
inline void reference_add_rows(std::span<const std::int32_t> ids, matrix_view<const double> table,
                               matrix_view<double> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c) y(r, c) += table(ids[static_cast<std::size_t>(r)], c);
  }
}

DNALM_END_NAMESPACE
