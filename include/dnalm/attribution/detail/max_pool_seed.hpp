// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief From the gradient of a pooling by largest values to DeepLIFT's multipliers.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// `g` (T, D) holds the gradient by the rows x of a sequence, `g0` by those of its reference: per channel a
/// weight w in one row, that of the largest number, i and j. Both become w at i where i = j, else w (y - y')
/// / (x[i] - x'[i]) at i if y = x[i] > y' = x'[j], and the same at j if y < y'.
inline void route_largest_rows(matrix_view<const float> x, matrix_view<const float> x0, matrix_view<float> g,
                               matrix_view<float> g0) {
  for (index_t c = 0; c < x.columns; ++c) {
    index_t i = -1;
    index_t j = -1;
    for (index_t r = 0; r < x.rows; ++r) {
      if (g(r, c) != 0.0F) i = r;
      if (g0(r, c) != 0.0F) j = r;
    }
    if (i < 0 || j < 0 || i == j) continue;
    const double w = static_cast<double>(g(i, c));
    const double d = static_cast<double>(x(i, c)) - static_cast<double>(x0(j, c));
    g(i, c) = g0(j, c) = 0.0F;
    if (d == 0.0) continue;
    const index_t at = d > 0.0 ? i : j;
    const double apart = static_cast<double>(x(at, c)) - static_cast<double>(x0(at, c));
    g(at, c) = g0(at, c) = static_cast<float>(w * d / apart);
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
