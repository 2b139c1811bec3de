// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax attention of ragged sequences in double.
#pragma once

#include <algorithm>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/reference/softmax.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Keys [begin, end) that token i of a sequence attends to.
struct key_range {
  index_t begin;
  index_t end;
};
[[nodiscard]] inline key_range reference_keys(index_t i, index_t length, index_t window) {
  if (window == 0) return {0, length};
  return {i > window ? i - window : 0, window < length - i ? i + window + 1 : length};
}

/// p[j - keys.begin] = softmax over j of (scale q . k_j + bias_ij): token i's probabilities in one head, q
/// and k_j being channels [h K, (h + 1) K) of row i and row j. The views are those of one sequence.
inline void reference_probabilities(matrix_view<const double> q, matrix_view<const double> k,
                                    const attention_options<double>& options, index_t h, index_t i,
                                    key_range keys, matrix_view<double> p) {
  const index_t width = q.columns / options.heads;
  for (index_t j = keys.begin; j < keys.end; ++j) {
    double dot = 0.0;
    for (index_t c = h * width; c < (h + 1) * width; ++c) dot += q(i, c) * k(j, c);
    double& score = p(0, j - keys.begin) = options.score_scale * dot;
    if (!options.alibi_slopes.empty()) {
      score += static_cast<double>(alibi_bias(options.alibi_slopes[h], i, j));
    }
  }
  reference_softmax_rows(p);
}

}  // namespace detail

/// For every sequence and head: y_i = sum over j of p_ij v_j, p_i = softmax over j of (scale q_i . k_j +
/// bias_ij), bias_ij = -slope |i - j| (a float32 number) with ALiBi slopes, else 0; j runs over the tokens
/// with |i - j| <= window, over all for window 0.
///
/// q, k, v, y (R, D): columns [h K, (h + 1) K) belong to head h; y must not overlap the others. `scratch`
/// holds one row of scores: as many numbers as the longest sequence has tokens.
inline void reference_attention(matrix_view<const double> q, matrix_view<const double> k,
                                matrix_view<const double> v, const ragged_offsets& offsets,
                                const attention_options<double>& options, vector_view<double> scratch,
                                matrix_view<double> y) {
  const index_t width = q.columns / options.heads;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t first = offsets.begin(s);
    const index_t length = offsets.length(s);
    const auto queries = q.row_block(first, length);
    const auto keys = k.row_block(first, length);
    for (index_t h = 0; h < options.heads; ++h) {
      for (index_t i = 0; i < length; ++i) {
        const detail::key_range range = detail::reference_keys(i, length, options.window);
        const matrix_view<double> p = as_matrix(scratch.data, 1, range.end - range.begin);
        detail::reference_probabilities(queries, keys, options, h, i, range, p);
        for (index_t c = h * width; c < (h + 1) * width; ++c) {
          double sum = 0.0;
          for (index_t j = range.begin; j < range.end; ++j) sum += p(0, j - range.begin) * v(first + j, c);
          y(first + i, c) = sum;
        }
      }
    }
  }
}

/// Gradients by q, k and v, the probabilities recomputed: with dp_ij = dy_i . v_j and ds_ij = p_ij (dp_ij -
/// sum over l of p_il dp_il): dq_i = scale sum over j of ds_ij k_j, dk_j = scale sum over i of ds_ij q_i,
/// dv_j = sum over i of p_ij dy_i.
///
/// All (R, D), split as in the forward; dq, dk, dv overlap neither each other nor the inputs. `scratch` holds
/// two rows of scores.
inline void reference_attention_vjp(matrix_view<const double> q, matrix_view<const double> k,
                                    matrix_view<const double> v, const ragged_offsets& offsets,
                                    const attention_options<double>& options, matrix_view<const double> dy,
                                    vector_view<double> scratch, matrix_view<double> dq,
                                    matrix_view<double> dk, matrix_view<double> dv) {
  const index_t width = q.columns / options.heads;
  for (const auto& gradient : {dq, dk, dv}) {
    for (index_t r = 0; r < gradient.rows; ++r) std::fill_n(gradient.row_data(r), gradient.columns, 0.0);
  }
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    const index_t first = offsets.begin(s);
    const index_t length = offsets.length(s);
    const auto queries = q.row_block(first, length);
    const auto keys = k.row_block(first, length);
    for (index_t h = 0; h < options.heads; ++h) {
      for (index_t i = 0; i < length; ++i) {
        const detail::key_range range = detail::reference_keys(i, length, options.window);
        const matrix_view<double> p = as_matrix(scratch.data, 1, range.end - range.begin);
        const matrix_view<double> ds = as_matrix(scratch.data + length, 1, range.end - range.begin);
        detail::reference_probabilities(queries, keys, options, h, i, range, p);
        for (index_t j = range.begin; j < range.end; ++j) {
          double& dp = ds(0, j - range.begin) = 0.0;
          for (index_t c = h * width; c < (h + 1) * width; ++c) dp += dy(first + i, c) * v(first + j, c);
        }
        reference_softmax_rows_vjp(p, ds, ds);
        for (index_t j = range.begin; j < range.end; ++j) {
          const double slope = options.score_scale * ds(0, j - range.begin);
          for (index_t c = h * width; c < (h + 1) * width; ++c) {
            dq(first + i, c) += slope * k(first + j, c);
            dk(first + j, c) += slope * q(first + i, c);
            dv(first + j, c) += p(0, j - range.begin) * dy(first + i, c);
          }
        }
      }
    }
  }
}

DNALM_END_NAMESPACE
