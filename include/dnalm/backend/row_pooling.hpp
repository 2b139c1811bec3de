// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Poolings along sequences, on rows in host memory, and their adjoints.
///
/// Every output row is one chain of operations over the rows it sees, in their order. Letters: `from` the
/// rows of the input, `to` those of the output, sequence by sequence.
#pragma once

#include <algorithm>

#include <dnalm/backend/row_window.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Calls work(output row, first row seen, one behind the last row seen) for every output row.
template <class Work>
void for_windows(const ragged_offsets& from, const row_window& window, const ragged_offsets& to,
                 Work&& work) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    const index_t rows = from.length(s);
    const index_t before = window.missing_before(rows);
    for (index_t i = 0; i < to.length(s); ++i) {
      const index_t first = i * window.stride - before;
      const index_t begin = std::max<index_t>(first, 0);
      const index_t end = std::max(std::min(first + window.size, rows), begin);
      work(to.begin(s) + i, from.begin(s) + begin, from.begin(s) + end);
    }
  }
}

template <class T>
[[nodiscard]] T mean_factor(const row_window& window, index_t begin, index_t end) {
  const index_t count = window.counts_missing ? window.size : std::max<index_t>(end - begin, 1);
  return T(1) / static_cast<T>(count);
}

}  // namespace detail

/// y[i, c] = the largest of x[r, c] over the rows r that i sees.
template <class T>
void max_pool_rows(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                   const ragged_offsets& to, matrix_view<T> y) {
  detail::for_windows(from, window, to, [&](index_t i, index_t begin, index_t end) {
    T* out = y.row_data(i);
    std::copy_n(x.row_data(begin), y.columns, out);
    for (index_t r = begin + 1; r < end; ++r) {
      const T* in = x.row_data(r);
      for (index_t c = 0; c < y.columns; ++c) out[c] = out[c] < in[c] ? in[c] : out[c];
    }
  });
}

/// dx[r, c] = the sum of dy[i, c] over the outputs i whose largest is x[r, c]; of equal ones the first row
/// counts.
template <class T>
void max_pool_rows_vjp(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                       matrix_view<const T> dy, const ragged_offsets& to, matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) std::fill_n(dx.row_data(r), dx.columns, T(0));
  detail::for_windows(from, window, to, [&](index_t i, index_t begin, index_t end) {
    for (index_t c = 0; c < dx.columns; ++c) {
      index_t best = begin;
      for (index_t r = begin + 1; r < end; ++r) best = x(best, c) < x(r, c) ? r : best;
      dx(best, c) += dy(i, c);
    }
  });
}

/// y[i, c] = the mean of x[r, c] over the rows r that i sees (row_window::counts_missing).
template <class T>
void average_pool_rows(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                       const ragged_offsets& to, matrix_view<T> y) {
  detail::for_windows(from, window, to, [&](index_t i, index_t begin, index_t end) {
    T* out = y.row_data(i);
    std::fill_n(out, y.columns, T(0));
    for (index_t r = begin; r < end; ++r) {
      const T* in = x.row_data(r);
      for (index_t c = 0; c < y.columns; ++c) out[c] += in[c];
    }
    const T factor = detail::mean_factor<T>(window, begin, end);
    for (index_t c = 0; c < y.columns; ++c) out[c] *= factor;
  });
}

/// dx[r, c] = the sum of dy[i, c] / (rows of i's mean) over the outputs i that see r.
template <class T>
void average_pool_rows_vjp(const ragged_offsets& from, const row_window& window, matrix_view<const T> dy,
                           const ragged_offsets& to, matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) std::fill_n(dx.row_data(r), dx.columns, T(0));
  detail::for_windows(from, window, to, [&](index_t i, index_t begin, index_t end) {
    const T factor = detail::mean_factor<T>(window, begin, end);
    for (index_t r = begin; r < end; ++r) {
      for (index_t c = 0; c < dx.columns; ++c) dx(r, c) += dy(i, c) * factor;
    }
  });
}

/// y[s, c] = the mean of x[r, c] over the rows r of sequence s. y (sequences, C).
template <class T>
void sequence_mean(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<T> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    T* out = y.row_data(s);
    std::fill_n(out, y.columns, T(0));
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      const T* in = x.row_data(r);
      for (index_t c = 0; c < y.columns; ++c) out[c] += in[c];
    }
    const T factor = T(1) / static_cast<T>(offsets.length(s));
    for (index_t c = 0; c < y.columns; ++c) out[c] *= factor;
  }
}

/// dx[r, c] = dy[s, c] / (rows of s).
template <class T>
void sequence_mean_vjp(const ragged_offsets& offsets, matrix_view<const T> dy, matrix_view<T> dx) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const T factor = T(1) / static_cast<T>(offsets.length(s));
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      for (index_t c = 0; c < dx.columns; ++c) dx(r, c) = dy(s, c) * factor;
    }
  }
}

/// y[s, c] = the largest of x[r, c] over the rows r of sequence s.
template <class T>
void sequence_max(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<T> y) {
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    T* out = y.row_data(s);
    std::copy_n(x.row_data(offsets.begin(s)), y.columns, out);
    for (index_t r = offsets.begin(s) + 1; r < offsets.begin(s + 1); ++r) {
      const T* in = x.row_data(r);
      for (index_t c = 0; c < y.columns; ++c) out[c] = out[c] < in[c] ? in[c] : out[c];
    }
  }
}

/// dx[r, c] = dy[s, c] in the first row r whose x[r, c] is the largest of its sequence, 0 elsewhere.
template <class T>
void sequence_max_vjp(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<const T> dy,
                      matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) std::fill_n(dx.row_data(r), dx.columns, T(0));
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t c = 0; c < dx.columns; ++c) {
      index_t best = offsets.begin(s);
      for (index_t r = best + 1; r < offsets.begin(s + 1); ++r) best = x(best, c) < x(r, c) ? r : best;
      dx(best, c) = dy(s, c);
    }
  }
}

DNALM_END_NAMESPACE
