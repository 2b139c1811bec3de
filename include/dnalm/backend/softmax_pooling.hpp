// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Pooling by weights that the rows themselves bring (Enformer's attention pooling), in host memory.
#pragma once

#include <algorithm>
#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Calls do(i, begin, end) for each output row i and the rows it pools: `size` after each other, fewer at a
/// sequence's end.
template <class Do>
void for_pools(const ragged_offsets& from, index_t size, const ragged_offsets& to, Do&& todo) {
  for (index_t s = 0; s < to.sequences(); ++s) {
    for (index_t i = 0; i < to.length(s); ++i) {
      const index_t begin = from.begin(s) + i * size;
      todo(to.begin(s) + i, begin, std::min(begin + size, from.begin(s + 1)));
    }
  }
}

/// The largest of rows [begin, end) of channel c, and the sum of exp(logit - largest).
template <class T>
struct softmax_terms {
  T largest = T(0);
  T sum = T(0);

  softmax_terms(matrix_view<const T> logits, index_t c, index_t begin, index_t end)
      : largest(logits(begin, c)) {
    for (index_t r = begin + 1; r < end; ++r) largest = std::max(largest, logits(r, c));
    for (index_t r = begin; r < end; ++r) sum += std::exp(logits(r, c) - largest);
  }
  [[nodiscard]] T weight(T logit) const { return std::exp(logit - largest) / sum; }
};

}  // namespace detail

/// y[i, c] = the sum of w_r x[r, c] over the `size` rows r that i pools (fewer at the end of a sequence), w =
/// softmax of logits[r, c] over them. x and logits (R, C), y (rows of `to`, C).
template <class T>
void softmax_pool_rows(matrix_view<const T> x, matrix_view<const T> logits, const ragged_offsets& from,
                       index_t size, const ragged_offsets& to, matrix_view<T> y) {
  detail::for_pools(from, size, to, [&](index_t i, index_t begin, index_t end) {
    for (index_t c = 0; c < y.columns; ++c) {
      const detail::softmax_terms<T> terms(logits, c, begin, end);
      T sum = T(0);
      for (index_t r = begin; r < end; ++r) sum += terms.weight(logits(r, c)) * x(r, c);
      y(i, c) = sum;
    }
  });
}

/// dx[r, c] = w_r dy[i, c], dlogits[r, c] = w_r (x[r, c] - y[i, c]) dy[i, c]; every row is pooled by one i.
template <class T>
void softmax_pool_rows_vjp(matrix_view<const T> x, matrix_view<const T> logits, const ragged_offsets& from,
                           index_t size, matrix_view<const T> dy, const ragged_offsets& to, matrix_view<T> dx,
                           matrix_view<T> dlogits) {
  detail::for_pools(from, size, to, [&](index_t i, index_t begin, index_t end) {
    for (index_t c = 0; c < dx.columns; ++c) {
      const detail::softmax_terms<T> terms(logits, c, begin, end);
      T y = T(0);
      for (index_t r = begin; r < end; ++r) y += terms.weight(logits(r, c)) * x(r, c);
      for (index_t r = begin; r < end; ++r) {
        const T weight = terms.weight(logits(r, c));
        dlogits(r, c) = weight * (x(r, c) - y) * dy(i, c);
        dx(r, c) = weight * dy(i, c);
      }
    }
  });
}

DNALM_END_NAMESPACE
