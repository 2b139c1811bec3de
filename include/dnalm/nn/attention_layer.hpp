// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Multi-head self-attention with its four matrices.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/block_workspace.hpp>
#include <dnalm/nn/linear_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// y = residual + Wo attention(q, k, v) + bo with [q | k | v] = Wqkv x + bqkv; biases may be missing.
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
  index_t window = 0;                    ///< local attention: at most this far away; 0: everywhere

  /// `y` may be `residual`; `x` may be w.narrow, or other rows of the backend's storage type for them. Leaves
  /// q | k | v in the first 3 D columns of w.wide: with plain_rows scaled and rotated, else as they are or,
  /// with w.leaves_rotated, rotated.
  template <class Input>
  void forward(const B& backend, Input x, input_matrix<B> residual, const block_workspace<B>& w,
               output_matrix<B> y) const {
    const index_t width = x.columns;
    const output_rows<B> packed = w.wide.column_block(0, 3 * width);
    qkv.forward(backend, x, w.scratch, packed);
    attend(backend, packed, w);
    output.forward(backend, w.narrow, w.scratch, y, activation::none, residual);
  }

  /// Numbers of scratch that forward needs for sequences of up to `longest` tokens.
  [[nodiscard]] index_t scratch(const B& backend, index_t longest, index_t head_width) const {
    const index_t products = std::max(qkv.scratch(backend), output.scratch(backend));
    return std::max(products, backend.attention_scratch(longest, head_width));
  }
  /// Numbers of scratch that vjp needs for sequences of up to `longest` tokens.
  [[nodiscard]] index_t vjp_scratch(const B& backend, index_t longest, index_t head_width) const {
    const index_t products = std::max(qkv.vjp_scratch(backend), output.vjp_scratch(backend));
    return std::max(products, backend.attention_vjp_scratch(longest, head_width));
  }
  /// dx = residual + [dq | dk | dv] Wqkv, where attention's adjoint of dy Wo is rotated back by the opposite
  /// angles and its query part is scaled.
  ///
  /// `projected` (R, 3 D) holds q | k | v as forward left them, rotated; it must not be w.wide. `dx` may be
  /// `residual`, `dy` or lie over w.narrow.
  void vjp(const B& backend, input_rows<B> projected, input_matrix<B> dy, input_matrix<B> residual,
           const block_workspace<B>& w, output_matrix<B> dx) const {
    const index_t width = dx.columns;
    const output_rows<B> packed = w.wide.column_block(0, 3 * width);
    const output_rows<B> dq = packed.column_block(0, width);
    const output_rows<B> dk = packed.column_block(width, width);
    const output_rows<B> dv = packed.column_block(2 * width, width);
    output.vjp(backend, dy, w.scratch, w.narrow);
    backend.attention_vjp(projected.column_block(0, width), projected.column_block(width, width),
                          projected.column_block(2 * width, width), *w.offsets, options(width), w.narrow,
                          w.scratch, dq, dk, dv);
    if (w.rotation != nullptr) {
      backend.rotary_vjp(*w.rotation, *w.offsets, heads, dq);
      backend.rotary_vjp(*w.rotation, *w.offsets, heads, dk);
    }
    if constexpr (plain_rows<B>) {
      if (scale_query_first) backend.scale(query_factor(width), dq);
    }
    qkv.vjp(backend, packed, w.scratch, dx, residual);
  }

  /// 1 / sqrt(K).
  [[nodiscard]] scalar_of<B> query_factor(index_t width) const {
    return static_cast<scalar_of<B>>(1.0 / std::sqrt(static_cast<double>(width / heads)));
  }
  /// What forward and vjp tell the attention kernels. Rows of a storage type of their own have their scores
  /// scaled in place of their queries.
  [[nodiscard]] attention_options<scalar_of<B>> options(index_t width) const {
    attention_options<scalar_of<B>> result;
    result.heads = heads;
    result.score_scale = plain_rows<B> && scale_query_first ? scalar_of<B>(1) : query_factor(width);
    result.alibi_slopes = {alibi_slopes.data(), static_cast<index_t>(alibi_slopes.size())};
    result.window = window;
    return result;
  }

 private:
  /// w.narrow = attention of `packed`, [q | k | v]. Rows of a storage type of their own are rotated where
  /// they are read, unless they are to be left rotated, which gives the same bits.
  void attend(const B& backend, output_rows<B> packed, const block_workspace<B>& w) const {
    const index_t width = packed.columns / 3;
    if constexpr (plain_rows<B>) {
      const output_rows<B> q = packed.column_block(0, width);
      const output_rows<B> k = packed.column_block(width, width);
      const output_rows<B> v = packed.column_block(2 * width, width);
      if (scale_query_first) backend.scale(query_factor(width), q);
      if (w.rotation != nullptr) {
        backend.rotary(*w.rotation, *w.offsets, heads, q);
        backend.rotary(*w.rotation, *w.offsets, heads, k);
      }
      backend.attention(q, k, v, *w.offsets, options(width), w.scratch, w.narrow);
    } else {
      const rotary_table<scalar_of<B>>* rotation = w.rotation;
      if (w.leaves_rotated && rotation != nullptr) {
        backend.rotary(*rotation, *w.offsets, heads, packed.column_block(0, width));
        backend.rotary(*rotation, *w.offsets, heads, packed.column_block(width, width));
        rotation = nullptr;
      }
      backend.attention_packed(packed, rotation, *w.offsets, options(width), w.scratch, w.narrow);
    }
  }
};

DNALM_END_NAMESPACE
