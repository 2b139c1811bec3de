// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Softmax attention of ragged sequences in double.
#pragma once

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/reference/softmax.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// For every sequence and head: y_i = sum over j of p_ij v_j, p_i = softmax over j of (scale q_i . k_j +
/// bias_ij), bias_ij = -slope |i - j| (a float32 number) with ALiBi slopes, else 0.
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
    const matrix_view<double> p = as_matrix(scratch.data, 1, length);
    for (index_t h = 0; h < options.heads; ++h) {
      for (index_t i = 0; i < length; ++i) {
        for (index_t j = 0; j < length; ++j) {
          double dot = 0.0;
          for (index_t c = h * width; c < (h + 1) * width; ++c) dot += q(first + i, c) * k(first + j, c);
          p(0, j) = options.score_scale * dot;
          if (!options.alibi_slopes.empty()) {
            p(0, j) += static_cast<double>(alibi_bias(options.alibi_slopes[h], i, j));
          }
        }
        reference_softmax_rows(p);
        for (index_t c = h * width; c < (h + 1) * width; ++c) {
          double sum = 0.0;
          for (index_t j = 0; j < length; ++j) sum += p(0, j) * v(first + j, c);
          y(first + i, c) = sum;
        }
      }
    }
  }
}
// adjoint: reference_attention_vjp, next to this function

DNALM_END_NAMESPACE
