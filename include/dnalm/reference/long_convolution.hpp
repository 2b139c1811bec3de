// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Causal convolution with a filter as long as the sequence in double, with its adjoint.
#pragma once

#include <algorithm>
#include <span>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Taps of the filter for sequences of `length`: the next power of two, so that few filters are made.
[[nodiscard]] inline index_t reference_filter_taps(index_t length) {
  index_t taps = 1;
  while (taps < length) taps = checked_mul(taps, 2);
  return taps;
}

/// y[i, c] = sum over j <= i of h[i - j, c] v[j, c] + d[c] v[i, c], h the filter of the sequence.
///
/// v, y (R, D), y may be v: rows are written from the last one back. Cost: L^2 / 2 products a channel.
inline void reference_long_convolution(matrix_view<const double> v,
                                       std::span<const matrix<double>* const> filters,
                                       vector_view<const double> d, const ragged_offsets& offsets,
                                       vector_view<double> scratch, matrix_view<double> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const matrix<double>& h = *filters[static_cast<std::size_t>(s)];
    const index_t first = offsets.begin(s);
    for (index_t i = offsets.begin(s + 1) - 1; i >= first; --i) {
      for (index_t c = 0; c < y.columns; ++c) scratch[c] = d[c] * v(i, c);
      for (index_t j = first; j <= i; ++j) {
        for (index_t c = 0; c < y.columns; ++c) scratch[c] += h(i - j, c) * v(j, c);
      }
      std::copy_n(scratch.data, y.columns, y.row_data(i));
    }
  }
}

/// dv[j, c] = sum over i >= j of h[i - j, c] dy[i, c] + d[c] dy[j, c].
///
/// dy, dv (R, D), dv may be dy: rows are written from the first one on.
inline void reference_long_convolution_vjp(matrix_view<const double> dy,
                                           std::span<const matrix<double>* const> filters,
                                           vector_view<const double> d, const ragged_offsets& offsets,
                                           vector_view<double> scratch, matrix_view<double> dv) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const matrix<double>& h = *filters[static_cast<std::size_t>(s)];
    const index_t end = offsets.begin(s + 1);
    for (index_t j = offsets.begin(s); j < end; ++j) {
      for (index_t c = 0; c < dv.columns; ++c) scratch[c] = d[c] * dy(j, c);
      for (index_t i = j; i < end; ++i) {
        for (index_t c = 0; c < dv.columns; ++c) scratch[c] += h(i - j, c) * dy(i, c);
      }
      std::copy_n(scratch.data, dv.columns, dv.row_data(j));
    }
  }
}

DNALM_END_NAMESPACE
