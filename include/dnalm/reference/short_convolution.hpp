// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Depthwise causal convolution of a few taps in double, with its adjoint.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[t, c] = bias[c] + sum over j < K of w[j, c] x[t - K + 1 + j, c], rows before a sequence being zeros.
///
/// x, y (R, C), not overlapping; w (K, C); bias (C).
inline void reference_short_convolution(matrix_view<const double> x, matrix_view<const double> w,
                                        vector_view<const double> bias, const ragged_offsets& offsets,
                                        matrix_view<double> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t t = offsets.begin(s); t < offsets.begin(s + 1); ++t) {
      for (index_t c = 0; c < y.columns; ++c) {
        double sum = bias[c];
        for (index_t j = 0; j < w.rows; ++j) {
          const index_t from = t - w.rows + 1 + j;
          if (from >= offsets.begin(s)) sum += w(j, c) * x(from, c);
        }
        y(t, c) = sum;
      }
    }
  }
}

/// dx[t, c] = sum over j < K of w[j, c] dy[t + K - 1 - j, c], rows behind a sequence being zeros. dy, dx (R,
/// C), not overlapping.
inline void reference_short_convolution_vjp(matrix_view<const double> dy, matrix_view<const double> w,
                                            const ragged_offsets& offsets, matrix_view<double> dx) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t t = offsets.begin(s); t < offsets.begin(s + 1); ++t) {
      for (index_t c = 0; c < dx.columns; ++c) {
        double sum = 0.0;
        for (index_t j = 0; j < w.rows; ++j) {
          const index_t from = t + w.rows - 1 - j;
          if (from < offsets.begin(s + 1)) sum += w(j, c) * dy(from, c);
        }
        dx(t, c) = sum;
      }
    }
  }
}

/// y[t, c] = bias[c] + sum over j < K of w[j, c] x[t + K - 1 - j, c], rows behind a sequence being zeros: the
/// convolution from the other end. x, y (R, C), not overlapping.
inline void reference_short_convolution_back(matrix_view<const double> x, matrix_view<const double> w,
                                             vector_view<const double> bias, const ragged_offsets& offsets,
                                             matrix_view<double> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t t = offsets.begin(s); t < offsets.begin(s + 1); ++t) {
      for (index_t c = 0; c < y.columns; ++c) {
        double sum = bias[c];
        for (index_t j = 0; j < w.rows; ++j) {
          const index_t from = t + w.rows - 1 - j;
          if (from < offsets.begin(s + 1)) sum += w(j, c) * x(from, c);
        }
        y(t, c) = sum;
      }
    }
  }
}

/// dx[t, c] = sum over j < K of w[j, c] dy[t - K + 1 + j, c], rows before a sequence being zeros. dy, dx (R,
/// C), not overlapping.
inline void reference_short_convolution_back_vjp(matrix_view<const double> dy, matrix_view<const double> w,
                                                 const ragged_offsets& offsets, matrix_view<double> dx) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t t = offsets.begin(s); t < offsets.begin(s + 1); ++t) {
      for (index_t c = 0; c < dx.columns; ++c) {
        double sum = 0.0;
        for (index_t j = 0; j < w.rows; ++j) {
          const index_t from = t - w.rows + 1 + j;
          if (from >= offsets.begin(s)) sum += w(j, c) * dy(from, c);
        }
        dx(t, c) = sum;
      }
    }
  }
}

DNALM_END_NAMESPACE
