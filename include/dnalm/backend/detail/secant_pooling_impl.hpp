// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of backend/secant_pooling.hpp.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/backend/masked_mean.hpp>
#include <dnalm/backend/row_pooling.hpp>
#include <dnalm/backend/secant.hpp>
#include <dnalm/backend/secant_pooling.hpp>
#include <dnalm/backend/secant_rows.hpp>
#include <dnalm/backend/softmax_pooling.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Where the multipliers of a largest number go, and the factor.
template <class T>
struct largest_route {
  index_t at = 0;
  T factor = T(0);
};

/// x(k) and reference(k), k in [begin, end).
template <class T, class X, class Reference>
[[nodiscard]] largest_route<T> route_largest(index_t begin, index_t end, X&& x, Reference&& reference) {
  index_t i = begin;
  index_t j = begin;
  for (index_t k = begin + 1; k < end; ++k) {
    i = x(i) < x(k) ? k : i;
    j = reference(j) < reference(k) ? k : j;
  }
  if (i == j) return {i, T(1)};
  const T d = x(i) - reference(j);
  if (d > T(0)) return {i, d / (x(i) - reference(i))};
  if (d < T(0)) return {j, d / (x(j) - reference(j))};
  return {i, T(0)};
}

/// Rows of the observed sequences become those of their references.
template <class T>
void copy_to_references(const ragged_offsets& offsets, matrix_view<T> x) {
  const index_t half = offsets.sequences() / 2;
  for (index_t s = 0; s < half; ++s) {
    for (index_t i = 0; i < offsets.length(s); ++i) {
      std::copy_n(x.row_data(offsets.begin(s) + i), x.columns, x.row_data(offsets.begin(s + half) + i));
    }
  }
}

/// Rows from the first observed row to the first reference.
[[nodiscard]] inline index_t rows_to_reference(const ragged_offsets& offsets) {
  return offsets.begin(offsets.sequences() / 2);
}

}  // namespace detail

template <class T>
void secant_max_pool_vjp(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                         matrix_view<const T> dy, const ragged_offsets& to, matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) std::fill_n(dx.row_data(r), dx.columns, T(0));
  const index_t apart = detail::rows_to_reference(from);
  const index_t outputs = detail::rows_to_reference(to);
  detail::for_windows(from, window, to, [&](index_t i, index_t begin, index_t end) {
    if (i >= outputs) return;
    for (index_t c = 0; c < dx.columns; ++c) {
      const auto route = detail::route_largest<T>(
          begin, end, [&](index_t r) { return x(r, c); }, [&](index_t r) { return x(r + apart, c); });
      dx(route.at, c) += dy(i, c) * route.factor;
    }
  });
  detail::copy_to_references(from, dx);
}

template <class T>
void secant_sequence_max_vjp(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<const T> dy,
                             matrix_view<T> dx) {
  for (index_t r = 0; r < dx.rows; ++r) std::fill_n(dx.row_data(r), dx.columns, T(0));
  const index_t apart = detail::rows_to_reference(offsets);
  for (index_t s = 0; s < offsets.sequences() / 2; ++s) {
    for (index_t c = 0; c < dx.columns; ++c) {
      const auto route = detail::route_largest<T>(
          offsets.begin(s), offsets.begin(s + 1), [&](index_t r) { return x(r, c); },
          [&](index_t r) { return x(r + apart, c); });
      dx(route.at, c) = dy(s, c) * route.factor;
    }
  }
  detail::copy_to_references(offsets, dx);
}

template <class T>
void secant_masked_mean_vjp(matrix_view<const T> x, matrix_view<const T> mask, const ragged_offsets& offsets,
                            matrix_view<const T> dy, matrix_view<T> dx, matrix_view<T> dmask) {
  const index_t apart = detail::rows_to_reference(offsets);
  const index_t half = offsets.sequences() / 2;
  const auto weight = [&](index_t r) { return mask(r, detail::largest_column(mask, r)); };
  const T least = T(1e-7);
  for (index_t s = 0; s < half; ++s) {
    const auto sum_of = [&](index_t sequence, auto&& term) {
      T sum = T(0);
      for (index_t r = offsets.begin(sequence); r < offsets.begin(sequence + 1); ++r) sum += term(r);
      return sum;
    };
    const T sum = sum_of(s, weight);
    const T sum0 = sum_of(s + half, weight);
    const T n = std::max(sum, least);
    const T n0 = std::max(sum0, least);
    const T mean_n = (n + n0) / T(2);
    T by_n = T(0);
    for (index_t c = 0; c < x.columns; ++c) {
      const auto term = [&](index_t r) { return weight(r) * x(r, c); };
      by_n -= dy(s, c) * ((sum_of(s, term) / n + sum_of(s + half, term) / n0) / T(2)) / mean_n;
    }
    const T by_sum = by_n * relu_secant(sum - least, sum0 - least);
    for (index_t r = offsets.begin(s); r < offsets.begin(s + 1); ++r) {
      const T mean_weight = (weight(r) + weight(r + apart)) / T(2);
      T by_weight = by_sum;
      for (index_t c = 0; c < x.columns; ++c) {
        const T m = dy(s, c) / mean_n;
        by_weight += m * ((x(r, c) + x(r + apart, c)) / T(2));
        dx(r, c) = m * mean_weight;
      }
      const auto route = detail::route_largest<T>(
          0, mask.columns, [&](index_t k) { return mask(r, k); },
          [&](index_t k) { return mask(r + apart, k); });
      std::fill_n(dmask.row_data(r), dmask.columns, T(0));
      dmask(r, route.at) = by_weight * route.factor;
    }
  }
  detail::copy_to_references(offsets, dx);
  detail::copy_to_references(offsets, dmask);
}

template <class T>
void secant_softmax_pool_vjp(matrix_view<const T> x, matrix_view<const T> logits, const ragged_offsets& from,
                             index_t size, matrix_view<const T> dy, const ragged_offsets& to,
                             matrix_view<T> dx, matrix_view<T> dlogits) {
  const index_t apart = detail::rows_to_reference(from);
  const index_t outputs = detail::rows_to_reference(to);
  std::vector<T> memory(static_cast<std::size_t>(checked_mul(size, index_t{7})));
  const auto part = [&](index_t which) { return memory.data() + which * size; };
  detail::for_pools(from, size, to, [&](index_t i, index_t begin, index_t end) {
    if (i >= outputs) return;
    for (index_t c = 0; c < dx.columns; ++c) {
      for (index_t r = begin; r < end; ++r) {
        part(0)[r - begin] = logits(r, c);
        part(1)[r - begin] = logits(r + apart, c);
        part(2)[r - begin] = dy(i, c) * ((x(r, c) + x(r + apart, c)) / T(2));
      }
      detail::secant_softmax_row(part(0), part(1), part(2), end - begin, part(3), part(4), part(5), part(6));
      for (index_t r = begin; r < end; ++r) {
        dx(r, c) = dy(i, c) * part(5)[r - begin];
        dlogits(r, c) = part(6)[r - begin];
      }
    }
  });
  detail::copy_to_references(from, dx);
  detail::copy_to_references(from, dlogits);
}

#if defined(DNALM_COMPILED_SOURCE)
#define DNALM_SECANT_POOLING(T)                                                                            \
  template void secant_max_pool_vjp(matrix_view<const T>, const ragged_offsets&, const row_window&,        \
                                    matrix_view<const T>, const ragged_offsets&, matrix_view<T>);          \
  template void secant_sequence_max_vjp(matrix_view<const T>, const ragged_offsets&, matrix_view<const T>, \
                                        matrix_view<T>);                                                   \
  template void secant_masked_mean_vjp(matrix_view<const T>, matrix_view<const T>, const ragged_offsets&,  \
                                       matrix_view<const T>, matrix_view<T>, matrix_view<T>);              \
  template void secant_softmax_pool_vjp(matrix_view<const T>, matrix_view<const T>, const ragged_offsets&, \
                                        index_t, matrix_view<const T>, const ragged_offsets&,              \
                                        matrix_view<T>, matrix_view<T>);
DNALM_SECANT_POOLING(float)
DNALM_SECANT_POOLING(double)
#undef DNALM_SECANT_POOLING
#endif

DNALM_END_NAMESPACE
