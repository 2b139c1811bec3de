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

/// y[r, n] = residual[r, n] + function(sum over t, c of x[i stride + t dilation - before, c] w[n, t in + c] +
/// bias[n]) for row i of a sequence of `to`; x's rows are counted in the same sequence of `from`, those
/// outside of it are zeros.
/// x (rows of from, in), w (out, taps in), y (rows of to, out); y may be the residual, not x.
inline void reference_convolution(matrix_view<const double> x, const ragged_offsets& from,
                                  matrix_view<const double> w, const convolution_taps& taps,
                                  const linear_epilogue<double>& epilogue, const ragged_offsets& to,
                                  matrix_view<double> y) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    for (index_t i = 0; i < to.length(s); ++i) {
      const index_t r = to.begin(s) + i;
      for (index_t n = 0; n < w.rows; ++n) {
        double sum = 0.0;
        for (index_t t = 0; t < taps.taps; ++t) {
          const index_t at = i * taps.stride + taps.offset(t);
          if (at < 0 || at >= from.length(s)) continue;
          double part = 0.0;
          for (index_t c = 0; c < x.columns; ++c) part += x(from.begin(s) + at, c) * w(n, t * x.columns + c);
          sum += part;
        }
        if (!epilogue.bias.empty()) sum += epilogue.bias[n];
        sum = apply_activation(epilogue.function, sum);
        y(r, n) = epilogue.residual.data == nullptr ? sum : epilogue.residual(r, n) + sum;
      }
    }
  }
}
/// The same where output and input have the rows `offsets`.
inline void reference_convolution(matrix_view<const double> x, const ragged_offsets& offsets,
                                  matrix_view<const double> w, const convolution_taps& taps,
                                  const linear_epilogue<double>& epilogue, matrix_view<double> y) {
  reference_convolution(x, offsets, w, taps, epilogue, offsets, y);
}

/// dx[r, c] = residual[r, c] + sum over t, n of dy[(j + before - t dilation) / stride, n] w[n, t in + c] for
/// row j of a sequence of `to`, of the quotients that are whole and a row of the same sequence of `from`: the
/// adjoint of the product alone.
/// dy (rows of from, out), w (out, taps in), residual (rows of to, in; data null: none), dx (rows of to, in);
/// dx may be the residual, not dy.
inline void reference_convolution_vjp(matrix_view<const double> dy, const ragged_offsets& from,
                                      matrix_view<const double> w, const convolution_taps& taps,
                                      matrix_view<const double> residual, const ragged_offsets& to,
                                      matrix_view<double> dx) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    for (index_t j = 0; j < to.length(s); ++j) {
      const index_t r = to.begin(s) + j;
      for (index_t c = 0; c < dx.columns; ++c) {
        double sum = 0.0;
        for (index_t t = taps.taps - 1; t >= 0; --t) {
          const index_t at = j - taps.offset(t);
          if (at < 0 || at % taps.stride != 0 || at / taps.stride >= from.length(s)) continue;
          double part = 0.0;
          for (index_t n = 0; n < w.rows; ++n) {
            part += dy(from.begin(s) + at / taps.stride, n) * w(n, t * dx.columns + c);
          }
          sum += part;
        }
        dx(r, c) = residual.data == nullptr ? sum : residual(r, c) + sum;
      }
    }
  }
}
/// The same where output and input have the rows `offsets`.
inline void reference_convolution_vjp(matrix_view<const double> dy, const ragged_offsets& offsets,
                                      matrix_view<const double> w, const convolution_taps& taps,
                                      matrix_view<const double> residual, matrix_view<double> dx) {
  reference_convolution_vjp(dy, offsets, w, taps, residual, offsets, dx);
}

DNALM_END_NAMESPACE
