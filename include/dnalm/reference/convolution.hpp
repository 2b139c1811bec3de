// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Convolutions along sequences in double.
#pragma once

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// sum over taps t of dot(t, the row that tap t of row r reads) where that row is in [begin, end).
template <class Dot>
[[nodiscard]] double sum_over_taps(const convolution_taps& taps, index_t begin, index_t end, index_t r,
                                   Dot&& dot) {
  double sum = 0.0;
  for (index_t t = 0; t < taps.taps; ++t) {
    const index_t from = r + taps.offset(t);
    if (from >= begin && from < end) sum += dot(t, from);
  }
  return sum;
}

}  // namespace detail

/// y[r, n] = residual[r, n] + function(sum over t, c of x[r + t dilation - before, c] w[n, t in + c] +
/// bias[n]), rows outside of r's sequence being zeros.
/// x (R, in), w (out, taps in), y (R, out); y may be the residual, not x.
inline void reference_convolution(matrix_view<const double> x, const ragged_offsets& offsets,
                                  matrix_view<const double> w, const convolution_taps& taps,
                                  const linear_epilogue<double>& epilogue, matrix_view<double> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t end = offsets.begin(s + 1);
    for (index_t r = offsets.begin(s); r < end; ++r) {
      for (index_t n = 0; n < w.rows; ++n) {
        const auto dot = [&](index_t t, index_t from) {
          double part = 0.0;
          for (index_t c = 0; c < x.columns; ++c) part += x(from, c) * w(n, t * x.columns + c);
          return part;
        };
        double sum = detail::sum_over_taps(taps, offsets.begin(s), end, r, dot);
        if (!epilogue.bias.empty()) sum += epilogue.bias[n];
        sum = apply_activation(epilogue.function, sum);
        y(r, n) = epilogue.residual.data == nullptr ? sum : epilogue.residual(r, n) + sum;
      }
    }
  }
}

/// dx[r, c] = residual[r, c] + sum over t, n of dy[r + before - t dilation, n] w[n, t in + c]: the adjoint of
/// the product alone. dy (R, out), w (out, taps in), residual (R, in; data null: none), dx (R, in); dx may be
/// the residual, not dy.
inline void reference_convolution_vjp(matrix_view<const double> dy, const ragged_offsets& offsets,
                                      matrix_view<const double> w, const convolution_taps& taps,
                                      matrix_view<const double> residual, matrix_view<double> dx) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t end = offsets.begin(s + 1);
    for (index_t r = offsets.begin(s); r < end; ++r) {
      for (index_t c = 0; c < dx.columns; ++c) {
        const auto dot = [&](index_t t, index_t from) {
          const index_t column = (taps.taps - 1 - t) * dx.columns + c;
          double part = 0.0;
          for (index_t n = 0; n < w.rows; ++n) part += dy(from, n) * w(n, column);
          return part;
        };
        const double sum = detail::sum_over_taps(taps.reversed(), offsets.begin(s), end, r, dot);
        dx(r, c) = residual.data == nullptr ? sum : residual(r, c) + sum;
      }
    }
  }
}

DNALM_END_NAMESPACE
