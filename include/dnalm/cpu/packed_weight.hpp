// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Weights as the float kernels read them: panels of 32 output columns.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Output columns of a panel: two AVX-512 registers, four of AVX2.
inline constexpr index_t panel_columns = 32;

/// Number of panels for `columns` output columns.
[[nodiscard]] constexpr index_t panel_count(index_t columns) {
  return (columns + panel_columns - 1) / panel_columns;
}

}  // namespace detail

/// A weight matrix W (out, in), packed: panel p holds W[32 p + c, k] at [k][c], zeros beyond the last column.
struct packed_weight {
  buffer<float> panels = {};
  index_t outputs = 0;
  index_t inputs = 0;

  [[nodiscard]] const float* panel(index_t p) const {
    return panels.data() + p * inputs * detail::panel_columns;
  }
};

/// Packs W (out, in). Cost: one pass; memory out rounded up to 32, times in.
[[nodiscard]] inline packed_weight pack_weight(matrix_view<const float> w) {
  const index_t count = detail::panel_count(w.rows);
  packed_weight packed{buffer<float>(checked_mul(count, checked_mul(w.columns, detail::panel_columns))),
                       w.rows, w.columns};
  for (index_t n = 0; n < w.rows; ++n) {
    const index_t p = n / detail::panel_columns;
    float* column = packed.panels.data() + p * w.columns * detail::panel_columns + n % detail::panel_columns;
    const float* row = w.row_data(n);
    for (index_t k = 0; k < w.columns; ++k) column[k * detail::panel_columns] = row[k];
  }
  return packed;
}

DNALM_END_NAMESPACE
