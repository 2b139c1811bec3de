// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Kernels that only move rows: padding, cropping, flattening, repeating, joining; in host memory.
///
/// Letters: `from` the rows of the input, `to` those of the output, sequence by sequence.
#pragma once

#include <algorithm>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Where the rows of a sequence lie in a longer or shorter one.
struct row_placement {
  index_t before = 0;    ///< rows that are put before the first; negative: rows that are left out there
  bool centred = false;  ///< `before` is half of the difference in length, rounded down
  bool last = false;     ///< `before` is all of the difference in length

  [[nodiscard]] DNALM_HD index_t rows_before(index_t from, index_t to) const {
    if (last) return to - from;
    if (!centred) return before;
    const index_t spare = to - from;
    return spare >= 0 ? spare / 2 : -((1 - spare) / 2);
  }
};

/// y[i] = x[i - before], or `fill` (empty: zeros) where x has no such row.
template <class T>
void place_rows(matrix_view<const T> x, const ragged_offsets& from, const row_placement& placement,
                vector_view<const T> fill, const ragged_offsets& to, matrix_view<T> y) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    const index_t before = placement.rows_before(from.length(s), to.length(s));
    for (index_t i = 0; i < to.length(s); ++i) {
      T* out = y.row_data(to.begin(s) + i);
      const index_t at = i - before;
      if (at >= 0 && at < from.length(s)) {
        std::copy_n(x.row_data(from.begin(s) + at), y.columns, out);
      } else if (fill.empty()) {
        std::fill_n(out, y.columns, T(0));
      } else {
        std::copy_n(fill.data, y.columns, out);
      }
    }
  }
}

/// dx[j] = dy[j + before], 0 where y has no such row.
template <class T>
void place_rows_vjp(matrix_view<const T> dy, const ragged_offsets& from, const row_placement& placement,
                    const ragged_offsets& to, matrix_view<T> dx) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    const index_t before = placement.rows_before(from.length(s), to.length(s));
    for (index_t j = 0; j < from.length(s); ++j) {
      T* out = dx.row_data(from.begin(s) + j);
      const index_t at = j + before;
      if (at >= 0 && at < to.length(s)) {
        std::copy_n(dy.row_data(to.begin(s) + at), dx.columns, out);
      } else {
        std::fill_n(out, dx.columns, T(0));
      }
    }
  }
}

/// The rows of every sequence as one: y[s, r C + c] = x[r, c], or y[s, c L + r] when `by_channels`. All
/// sequences have L rows. x (sequences L, C), y (sequences, L C).
template <class T>
void flatten_rows(matrix_view<const T> x, index_t length, bool by_channels, matrix_view<T> y) {
  for (index_t s = 0; s < y.rows; ++s) {
    for (index_t r = 0; r < length; ++r) {
      const T* in = x.row_data(s * length + r);
      T* out = y.row_data(s);
      for (index_t c = 0; c < x.columns; ++c) out[by_channels ? c * length + r : r * x.columns + c] = in[c];
    }
  }
}

/// The same numbers back: dx[r, c] = dy[s, r C + c] (dy[s, c L + r]).
template <class T>
void flatten_rows_vjp(matrix_view<const T> dy, index_t length, bool by_channels, matrix_view<T> dx) {
  for (index_t s = 0; s < dy.rows; ++s) {
    for (index_t r = 0; r < length; ++r) {
      const T* in = dy.row_data(s);
      T* out = dx.row_data(s * length + r);
      for (index_t c = 0; c < dx.columns; ++c) out[c] = in[by_channels ? c * length + r : r * dx.columns + c];
    }
  }
}

/// Every row `factor` times: y[r factor + k] = x[r], 0 <= k < factor.
template <class T>
void repeat_rows(matrix_view<const T> x, index_t factor, matrix_view<T> y) {
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t k = 0; k < factor; ++k) std::copy_n(x.row_data(r), x.columns, y.row_data(r * factor + k));
  }
}

/// dx[r] = the sum of dy[r factor + k], 0 <= k < factor.
template <class T>
void repeat_rows_vjp(matrix_view<const T> dy, index_t factor, matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) {
    std::copy_n(dy.row_data(r * factor), dx.columns, dx.row_data(r));
    for (index_t k = 1; k < factor; ++k) {
      for (index_t c = 0; c < dx.columns; ++c) dx(r, c) += dy(r * factor + k, c);
    }
  }
}

/// The rows of every sequence of `part` into rows [first_s, ...) of the same sequence of y, first_s being
/// first[s]: one call for each of the matrices that are joined below each other.
template <class T>
void join_rows(matrix_view<const T> x, const ragged_offsets& part, vector_view<const index_t> first,
               const ragged_offsets& to, matrix_view<T> y) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    for (index_t r = 0; r < part.length(s); ++r) {
      std::copy_n(x.row_data(part.begin(s) + r), y.columns, y.row_data(to.begin(s) + first[s] + r));
    }
  }
}

/// The rows back: dx[r] = dy[first_s + r].
template <class T>
void join_rows_vjp(matrix_view<const T> dy, const ragged_offsets& part, vector_view<const index_t> first,
                   const ragged_offsets& to, matrix_view<T> dx) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    for (index_t r = 0; r < part.length(s); ++r) {
      std::copy_n(dy.row_data(to.begin(s) + first[s] + r), dx.columns, dx.row_data(part.begin(s) + r));
    }
  }
}

/// y[i, c] = x[L - 1 - i, C - 1 - c] in every sequence of L rows: of channels A, C, G, T (or A, G, C, T) the
/// other strand. It is its own adjoint.
template <class T>
void reverse_rows(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<T> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t ends = offsets.begin(s) + offsets.begin(s + 1) - 1;
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      for (index_t c = 0; c < y.columns; ++c) y(r, c) = x(ends - r, y.columns - 1 - c);
    }
  }
}

/// y[r, c] = x[r, c]: between matrices of different strides (a column block of a joined matrix).
template <class T>
void copy_matrix(matrix_view<const T> x, matrix_view<T> y) {
  for (index_t r = 0; r < y.rows; ++r) std::copy_n(x.row_data(r), y.columns, y.row_data(r));
}

DNALM_END_NAMESPACE
