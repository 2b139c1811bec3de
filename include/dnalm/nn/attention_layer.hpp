// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Multi-head self-attention with its four matrices.
#pragma once

#include <cmath>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/block_workspace.hpp>
#include <dnalm/nn/linear_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// y = residual + Wo attention(q, k, v) + bo with [q | k | v] = Wqkv x + bqkv.
///
/// Queries are divided by sqrt(K) either before the rotation or, in the scores, after the dot product; the
/// first is what ESM does, the second BERT.
template <class B>
requires attention_kernels<B> && linear_kernels<B> && elementwise_kernels<B>
struct attention_layer {
  linear_layer<B> qkv;  ///< (3 D, D): rows of q, then k, then v; in each, head h owns rows [h K, (h + 1) K)
  linear_layer<B> output;  ///< (D, D)
  index_t heads = 1;
  bool scale_query_first = true;
  std::vector<float> alibi_slopes = {};  ///< one per head; empty: none

  /// `y` may be `residual`; `x` may be w.narrow.
  void forward(const B& backend, input_matrix<B> x, input_matrix<B> residual, const block_workspace<B>& w,
               output_matrix<B> y) const {
    const index_t width = x.columns;
    const auto factor = static_cast<scalar_of<B>>(1.0 / std::sqrt(static_cast<double>(width / heads)));
    const output_matrix<B> packed = w.wide.column_block(0, 3 * width);
    const output_matrix<B> q = packed.column_block(0, width);
    const output_matrix<B> k = packed.column_block(width, width);
    const output_matrix<B> v = packed.column_block(2 * width, width);
    qkv.forward(backend, x, packed);
    if (scale_query_first) backend.scale(factor, q);
    if (w.rotation != nullptr) {
      backend.rotary(*w.rotation, *w.offsets, heads, q);
      backend.rotary(*w.rotation, *w.offsets, heads, k);
    }
    attention_options<scalar_of<B>> options;
    options.heads = heads;
    options.score_scale = scale_query_first ? scalar_of<B>(1) : factor;
    options.alibi_slopes = {alibi_slopes.data(), static_cast<index_t>(alibi_slopes.size())};
    backend.attention(q, k, v, *w.offsets, options, w.scratch, w.narrow);
    output.forward(backend, w.narrow, y, activation::none, residual);
  }
  // adjoint: vjp(backend, dy, w, dx), next to forward
};

DNALM_END_NAMESPACE
