// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention's probabilities, averaged over heads, from queries and keys.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// y[i, j] = mean over heads of softmax over j of (scale q_i . k_j + bias_ij), in double, of one sequence: q,
/// k (n, D) scaled and rotated as attention reads them, y (n, n). Keys farther away than a window are 0.
/// Cost: n^2 D multiplications and n^2 exponentials a head.
template <class T>
void mean_attention(matrix_view<const T> q, matrix_view<const T> k, const attention_options<T>& options,
                    matrix_view<double> y) {
  const index_t width = q.columns / options.heads;
  std::vector<double> scores(static_cast<std::size_t>(q.rows));
  for (index_t i = 0; i < q.rows; ++i) {
    const index_t begin = options.window == 0 ? 0 : std::max<index_t>(0, i - options.window);
    const index_t end = options.window == 0 ? q.rows : std::min(q.rows, i + options.window + 1);
    std::fill_n(y.row_data(i), q.rows, 0.0);
    for (index_t h = 0; h < options.heads; ++h) {
      double most = -std::numeric_limits<double>::infinity();
      for (index_t j = begin; j < end; ++j) {
        double dot = 0.0;
        for (index_t c = h * width; c < (h + 1) * width; ++c) {
          dot += static_cast<double>(q(i, c)) * static_cast<double>(k(j, c));
        }
        double& score = scores[static_cast<std::size_t>(j)] = static_cast<double>(options.score_scale) * dot;
        if (!options.alibi_slopes.empty()) {
          score += static_cast<double>(alibi_bias(static_cast<float>(options.alibi_slopes[h]), i, j));
        }
        most = std::max(most, score);
      }
      double sum = 0.0;
      for (index_t j = begin; j < end; ++j) {
        double& score = scores[static_cast<std::size_t>(j)];
        score = std::exp(score - most);
        sum += score;
      }
      const double share = 1.0 / (sum * static_cast<double>(options.heads));
      for (index_t j = begin; j < end; ++j) y(i, j) += scores[static_cast<std::size_t>(j)] * share;
    }
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
