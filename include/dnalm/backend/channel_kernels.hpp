// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Kernels that work channel by channel on rows in host memory: scale and shift, thresholds,
/// depthwise convolutions, weights of positions, and products of matrices with positions; with adjoints.
#pragma once

#include <algorithm>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r, c] = x[r, c] scale[c] + shift[c] (shift empty: none); y may be x. Without a shift it is its own
/// adjoint.
template <class T>
void scale_channels(matrix_view<const T> x, vector_view<const T> scale, vector_view<const T> shift,
                    matrix_view<T> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const T* in = x.row_data(r);
    T* out = y.row_data(r);
    if (shift.empty()) {
      for (index_t c = 0; c < y.columns; ++c) out[c] = in[c] * scale[c];
    } else {
      for (index_t c = 0; c < y.columns; ++c) out[c] = in[c] * scale[c] + shift[c];
    }
  }
}

/// y[r, c] = x[r, c] where it is above `threshold`, else `value`; y may be x.
template <class T>
void threshold_rows(matrix_view<const T> x, T threshold, T value, matrix_view<T> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    for (index_t c = 0; c < y.columns; ++c) y(r, c) = x(r, c) <= threshold ? value : x(r, c);
  }
}

/// dx[r, c] = dy[r, c] where x[r, c] is above `threshold`, else 0; dx may be dy.
template <class T>
void threshold_rows_vjp(matrix_view<const T> x, T threshold, matrix_view<const T> dy, matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) {
    for (index_t c = 0; c < dx.columns; ++c) dx(r, c) = x(r, c) <= threshold ? T(0) : dy(r, c);
  }
}

/// y[i, c] = bias[c] + sum over t of x[i stride + t dilation - before, c] w[t, c]: a convolution of every
/// channel by itself; rows outside of the sequence of `from` are zeros. w (taps, C); bias empty: none.
template <class T>
void depthwise_convolution(matrix_view<const T> x, const ragged_offsets& from, matrix_view<const T> w,
                           vector_view<const T> bias, const convolution_taps& taps, const ragged_offsets& to,
                           matrix_view<T> y) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    for (index_t i = 0; i < to.length(s); ++i) {
      T* out = y.row_data(to.begin(s) + i);
      for (index_t c = 0; c < y.columns; ++c) out[c] = bias.empty() ? T(0) : bias[c];
      for (index_t t = 0; t < taps.taps; ++t) {
        const index_t at = i * taps.stride + taps.offset(t);
        if (at < 0 || at >= from.length(s)) continue;
        const T* in = x.row_data(from.begin(s) + at);
        const T* weight = w.row_data(t);
        for (index_t c = 0; c < y.columns; ++c) out[c] += in[c] * weight[c];
      }
    }
  }
}

/// dx[j, c] = the sum of dy[i, c] w[t, c] over the outputs i and taps t that read j.
template <class T>
void depthwise_convolution_vjp(matrix_view<const T> dy, const ragged_offsets& from, matrix_view<const T> w,
                               const convolution_taps& taps, const ragged_offsets& to, matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) std::fill_n(dx.row_data(r), dx.columns, T(0));
  for (index_t s = 0; s < to.sequences(); ++s) {
    for (index_t i = 0; i < to.length(s); ++i) {
      const T* in = dy.row_data(to.begin(s) + i);
      for (index_t t = 0; t < taps.taps; ++t) {
        const index_t at = i * taps.stride + taps.offset(t);
        if (at < 0 || at >= from.length(s)) continue;
        T* out = dx.row_data(from.begin(s) + at);
        const T* weight = w.row_data(t);
        for (index_t c = 0; c < dx.columns; ++c) out[c] += in[c] * weight[c];
      }
    }
  }
}

/// y[r, c] = x[r, c] w[i, c], i the place of row r in its sequence; w (L, C), all sequences have L rows. It
/// is its own adjoint. y may be x.
template <class T>
void weigh_positions(matrix_view<const T> x, matrix_view<const T> w, matrix_view<T> y) {
  for (index_t r = 0; r < y.rows; ++r) {
    const T* in = x.row_data(r);
    const T* weight = w.row_data(r % w.rows);
    T* out = y.row_data(r);
    for (index_t c = 0; c < y.columns; ++c) out[c] = in[c] * weight[c];
  }
}

/// y[i] = sum over j of w[i, j] x[j] within each sequence; w (M, L), x (sequences L, C), y (sequences M, C).
template <class T>
void project_positions(matrix_view<const T> x, matrix_view<const T> w, matrix_view<T> y) {
  for (index_t i = 0; i < y.rows; ++i) {
    const index_t s = i / w.rows;
    T* out = y.row_data(i);
    std::fill_n(out, y.columns, T(0));
    for (index_t j = 0; j < w.columns; ++j) {
      const T factor = w(i % w.rows, j);
      if (factor == T(0)) continue;
      const T* in = x.row_data(s * w.columns + j);
      for (index_t c = 0; c < y.columns; ++c) out[c] += factor * in[c];
    }
  }
}

/// dx[j] = sum over i of w[i, j] dy[i] within each sequence.
template <class T>
void project_positions_vjp(matrix_view<const T> dy, matrix_view<const T> w, matrix_view<T> dx) {
  for (index_t j = 0; j < dx.rows; ++j) {
    const index_t s = j / w.columns;
    T* out = dx.row_data(j);
    std::fill_n(out, dx.columns, T(0));
    for (index_t i = 0; i < w.rows; ++i) {
      const T factor = w(i, j % w.columns);
      if (factor == T(0)) continue;
      const T* in = dy.row_data(s * w.rows + i);
      for (index_t c = 0; c < dx.columns; ++c) out[c] += factor * in[c];
    }
  }
}

/// y[r, c] = x[r, c] g[s, c], s the sequence of row r; g (sequences, C). By x it is its own adjoint.
template <class T>
void multiply_sequences(matrix_view<const T> x, matrix_view<const T> g, const ragged_offsets& offsets,
                        matrix_view<T> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      for (index_t c = 0; c < y.columns; ++c) y(r, c) = x(r, c) * g(s, c);
    }
  }
}

/// dg[s, c] = the sum of dy[r, c] x[r, c] over the rows r of sequence s.
template <class T>
void multiply_sequences_vjp(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<const T> dy,
                            matrix_view<T> dg) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    std::fill_n(dg.row_data(s), dg.columns, T(0));
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      for (index_t c = 0; c < dg.columns; ++c) dg(s, c) += dy(r, c) * x(r, c);
    }
  }
}

DNALM_END_NAMESPACE
