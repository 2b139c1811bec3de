// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The mean of a sequence's rows, weighted by another matrix: rows that are all zeros there count
/// nothing.
#pragma once

#include <algorithm>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The largest number of a row and where it stands.
template <class T>
[[nodiscard]] index_t largest_column(matrix_view<const T> mask, index_t r) {
  index_t best = 0;
  for (index_t k = 1; k < mask.columns; ++k) best = mask(r, best) < mask(r, k) ? k : best;
  return best;
}

/// max(sum of m_r over the rows of sequence s, 1e-7).
template <class T>
[[nodiscard]] T mask_sum(matrix_view<const T> mask, const ragged_offsets& offsets, index_t s) {
  T sum = T(0);
  for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) sum += mask(r, largest_column(mask, r));
  return std::max(sum, T(1e-7));
}

}  // namespace detail

/// y[s, c] = (sum of m_r x[r, c]) / n over the rows r of sequence s, m_r the largest number of mask's row r,
/// n = max(sum of m_r, 1e-7). x (R, C), mask (R, K), y (sequences, C).
template <class T>
void masked_mean(matrix_view<const T> x, matrix_view<const T> mask, const ragged_offsets& offsets,
                 matrix_view<T> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    T* out = y.row_data(s);
    std::fill_n(out, y.columns, T(0));
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      const T weight = mask(r, detail::largest_column(mask, r));
      for (index_t c = 0; c < y.columns; ++c) out[c] += weight * x(r, c);
    }
    const T factor = T(1) / detail::mask_sum(mask, offsets, s);
    for (index_t c = 0; c < y.columns; ++c) out[c] *= factor;
  }
}

/// dx[r, c] = m_r dy[s, c] / n; dmask[r, k] = (sum over c of dy[s, c] (x[r, c] - y[s, c])) / n for the k of
/// m_r, 0 for the others.
template <class T>
void masked_mean_vjp(matrix_view<const T> x, matrix_view<const T> mask, matrix_view<const T> y,
                     const ragged_offsets& offsets, matrix_view<const T> dy, matrix_view<T> dx,
                     matrix_view<T> dmask) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const T factor = T(1) / detail::mask_sum(mask, offsets, s);
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      const index_t k = detail::largest_column(mask, r);
      T sum = T(0);
      for (index_t c = 0; c < x.columns; ++c) {
        dx(r, c) = mask(r, k) * dy(s, c) * factor;
        sum += dy(s, c) * (x(r, c) - y(s, c));
      }
      std::fill_n(dmask.row_data(r), dmask.columns, T(0));
      dmask(r, k) = sum * factor;
    }
  }
}

DNALM_END_NAMESPACE
