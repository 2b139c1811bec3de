// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of embedding tables in float.
#pragma once

#include <cstdint>
#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = row_scale[r] table[ids[r], c]; row_scale empty: 1. ids are rows of the table. A scale of 0 gives
/// 0.
inline void cpu_embed_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                           std::span<const float> row_scale, matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const auto at = static_cast<std::size_t>(r);
    const float* from = table.row_data(ids[at]);
    const float factor = row_scale.empty() ? 1.0F : row_scale[at];
    float* to = y.row_data(r);
    for (index_t c = 0; c < y.columns; ++c) to[c] = from[c] * factor;
  }
}

/// Gradient by the looked-up rows: dx[r, c] = row_scale[r] dy[r, c]; row_scale empty: 1. dx may be dy.
inline void cpu_embed_rows_vjp(std::span<const float> row_scale, matrix_view<const float> dy,
                               matrix_view<float> dx) {
  for (index_t r = 0; r < dx.rows; ++r) {
    const float* from = dy.row_data(r);
    const float factor = row_scale.empty() ? 1.0F : row_scale[static_cast<std::size_t>(r)];
    float* to = dx.row_data(r);
    for (index_t c = 0; c < dx.columns; ++c) to[c] = from[c] * factor;
  }
}

/// y[r, c] += table[ids[r], c]. The gradient by the rows is dy itself.
inline void cpu_add_rows(std::span<const std::int32_t> ids, matrix_view<const float> table,
                         matrix_view<float> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const float* from = table.row_data(ids[static_cast<std::size_t>(r)]);
    float* to = y.row_data(r);
    for (index_t c = 0; c < y.columns; ++c) to[c] += from[c];
  }
}

DNALM_END_NAMESPACE
