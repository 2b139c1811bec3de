// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of embedding tables in float.
#pragma once

#include <cstdint>
#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/cpu/detail/row_arithmetic.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = row_scale[r] table[ids[r], c]; row_scale empty: 1. ids are rows of the table. A scale of 0 gives
/// 0.
inline void cpu_embed_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                           std::span<const float> row_scale, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    const float factor = row_scale.empty() ? 1.0F : row_scale[at];
    detail::multiply_row(table.row_data(ids[at]), factor, y.columns, y.row_data(r));
  }
}

/// Gradient by the looked-up rows: dx[r, c] = row_scale[r] dy[r, c]; row_scale empty: 1. dx may be dy.
inline void cpu_embed_rows_vjp(std::span<const float> row_scale, matrix_view<const float> dy,
                               matrix_view<float> dx) {
  for (index_t r = 0; r < dx.rows; ++r) {
    const float factor = row_scale.empty() ? 1.0F : row_scale[static_cast<std::size_t>(r)];
    detail::multiply_row(dy.row_data(r), factor, dx.columns, dx.row_data(r));
  }
}

/// y[r, c] += table[ids[r], c]. The gradient by the rows is dy itself.
inline void cpu_add_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                         matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    detail::add_row(table.row_data(ids[static_cast<std::size_t>(r)]), y.columns, y.row_data(r));
  }
}

DNALM_END_NAMESPACE
