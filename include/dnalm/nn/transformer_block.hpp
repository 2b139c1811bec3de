// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One block of a transformer encoder.
#pragma once

#include <algorithm>
#include <optional>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/attention_layer.hpp>
#include <dnalm/nn/block_workspace.hpp>
#include <dnalm/nn/feed_forward_layer.hpp>
#include <dnalm/nn/norm_layer.hpp>
#include <dnalm/nn/norm_placement.hpp>

DNALM_BEGIN_NAMESPACE

/// pre: x += A(LN1(x)); x += M(LN2(x)). post: x = LN1(x + A(x)); x = LN2(x + M(x)). pre_normed: x = LN1(x);
/// x += A(x); x += M(LN2(x)). Without LN1 (ModernBERT's first block) it is the identity.
template <encoder_backend B>
struct transformer_block {
  std::optional<norm_layer<B>> attention_norm;
  attention_layer<B> attention;
  norm_layer<B> feed_forward_norm;
  feed_forward_layer<B> feed_forward;
  norm_placement placement = norm_placement::pre;

  /// x (R, D) in place.
  void forward(const B& backend, const block_workspace<B>& w, output_matrix<B> x) const {
    forward(backend, w, x, x);
  }
  /// y (R, D) of x (R, D); y may be x.
  void forward(const B& backend, const block_workspace<B>& w, input_matrix<B> x, output_matrix<B> y) const {
    attend(backend, w, x, y);
    if (placement == norm_placement::post) {
      forward_post(backend, w, y);
    } else {
      feed_forward_norm.forward(backend, y, w.narrow);
      feed_forward.forward(backend, w.narrow, y, w, y);
    }
  }

  /// Whether the first half can make w.input_poolings: it begins with a norm, by a kernel that pools too.
  [[nodiscard]] bool pools_input() const {
    const bool one_output =
        placement == norm_placement::pre || (placement == norm_placement::pre_normed && plain_rows<B>);
    return norm_pooling_kernels<B> && attention_norm.has_value() && one_output;
  }

  /// The first half of the block, without the norm that post puts behind it; y may be x.
  void attend(const B& backend, const block_workspace<B>& w, input_matrix<B> x, output_matrix<B> y) const {
    if (!plain_rows<B> && placement == norm_placement::post && w.input_in_narrow) {
      attention.forward(backend, w.narrow, x, w, y);
    } else if (!attention_norm || placement == norm_placement::post) {
      attention.forward(backend, x, x, w, y);
    } else if (placement == norm_placement::pre) {
      norm_input(backend, w, x, w.narrow);
      attention.forward(backend, w.narrow, x, w, y);
    } else if constexpr (plain_rows<B>) {
      norm_input(backend, w, x, y);
      attention.forward(backend, y, y, w, y);
    } else {
      attention_norm->forward_both(backend, x, y, w.narrow);
      attention.forward(backend, w.narrow, y, w, y);
    }
  }

  /// Numbers of scratch that forward needs for sequences of up to `longest` tokens.
  [[nodiscard]] index_t scratch(const B& backend, index_t longest, index_t head_width) const {
    return std::max(attention.scratch(backend, longest, head_width), feed_forward.scratch(backend));
  }
  /// Numbers of scratch that vjp needs for sequences of up to `longest` tokens.
  [[nodiscard]] index_t vjp_scratch(const B& backend, index_t longest, index_t head_width) const {
    return std::max({scratch(backend, longest, head_width), feed_forward.vjp_scratch(backend),
                     attention.vjp_scratch(backend, longest, head_width)});
  }
  /// Fills `record` with what vjp needs, from x (R, D).
  ///
  /// Cost: a forward pass, with pre and pre_normed but for its last product.
  void make_record(const B& backend, const block_workspace<B>& w, input_matrix<B> x,
                   const block_record<B>& record) const {
    record_attention(backend, w, x, record);
    if (placement == norm_placement::post) {
      finish_post(backend, w, record);
    } else {
      feed_forward_norm.forward(backend, record.middle, w.narrow);
      feed_forward.project(backend, w.narrow, w, record.inner);
    }
  }
  /// The same, and y (R, D), the block's output with the bits of forward, or with rows of a storage type of
  /// their own but for the rounding of record.inner; y may be x.
  void forward_recorded(const B& backend, const block_workspace<B>& w, input_matrix<B> x,
                        const block_record<B>& record, output_matrix<B> y) const {
    record_attention(backend, w, x, record);
    if (placement == norm_placement::post) {
      finish_post(backend, w, record);
      feed_forward_norm.forward(backend, record.sum, y);
    } else {
      feed_forward_norm.forward(backend, record.middle, w.narrow);
      feed_forward.project_and_activate(backend, w.narrow, w, record.inner);
      feed_forward.finish(backend, record.middle, w, y);
    }
  }

  /// dx (R, D) in place: the gradient with respect to the block's output becomes that with respect to its
  /// input x (R, D), from what make_record left; record.inner is overwritten.
  ///
  /// Cost: the adjoint products, and attention's adjoint.
  void vjp(const B& backend, input_matrix<B> x, const block_record<B>& record, const block_workspace<B>& w,
           output_matrix<B> dx) const {
    if (placement == norm_placement::post) {
      feed_forward_vjp_post(backend, record, w, dx);
    } else {
      feed_forward_vjp_pre(backend, record, w, dx);
    }
    attend_vjp(backend, x, record, w, dx);
  }

 private:
  /// y = LN1(x), and what is asked for of x.
  void norm_input(const B& backend, const block_workspace<B>& w, input_matrix<B> x, output_rows<B> y) const {
    if constexpr (norm_pooling_kernels<B>) {
      if (!w.input_poolings.empty()) {
        attention_norm->forward_pooled(backend, x, *w.offsets, w.input_poolings, y);
        return;
      }
    }
    attention_norm->forward(backend, x, y);
  }
  /// record.projected and record.middle.
  void record_attention(const B& backend, const block_workspace<B>& w, input_matrix<B> x,
                        const block_record<B>& record) const {
    block_workspace<B> attending = w;
    attending.wide = record.projected;
    attending.leaves_rotated = true;
    attend(backend, attending, x, record.middle);
  }
  /// post: record.inner and record.sum, n + M(n) with n = LN1(m).
  void finish_post(const B& backend, const block_workspace<B>& w, const block_record<B>& record) const {
    if (!attention_norm) {
      feed_forward.project_and_activate(backend, record.middle, w, record.inner);
      feed_forward.finish(backend, record.middle, w, record.sum);
    } else if constexpr (plain_rows<B>) {
      attention_norm->forward(backend, record.middle, w.narrow);
      feed_forward.project_and_activate(backend, w.narrow, w, record.inner);
      feed_forward.finish(backend, w.narrow, w, record.sum);
    } else {
      attention_norm->forward_both(backend, record.middle, record.sum, w.narrow);
      feed_forward.project_and_activate(backend, w.narrow, w, record.inner);
      feed_forward.finish(backend, record.sum, w, record.sum);
    }
  }
  /// y = LN1(y); y = LN2(y + M(y)). Where rows have a storage type of their own, what the next product reads
  /// is also left in it, in w.narrow.
  void forward_post(const B& backend, const block_workspace<B>& w, output_matrix<B> y) const {
    if constexpr (plain_rows<B>) {
      if (attention_norm) attention_norm->forward(backend, y, y);
      feed_forward.forward(backend, y, y, w, y);
      feed_forward_norm.forward(backend, y, y);
    } else {
      if (attention_norm) {
        attention_norm->forward_both(backend, y, y, w.narrow);
        feed_forward.forward(backend, w.narrow, y, w, y);
      } else {
        feed_forward.forward(backend, y, y, w, y);
      }
      feed_forward_norm.forward_both(backend, y, y, w.narrow);
    }
  }
  /// m = record.middle. pre: dx += LN2^T(m, M^T(LN2(m), dx)).
  void feed_forward_vjp_pre(const B& backend, const block_record<B>& record, const block_workspace<B>& w,
                            output_matrix<B> dx) const {
    const output_matrix<B> part = scalars_over<B>(w.narrow, dx.columns);
    feed_forward.vjp(backend, record.inner, dx, {}, w, part);
    feed_forward_norm.vjp(backend, record.middle, part, part);
    backend.add(part, dx);
  }
  /// post, with n = LN1(m): d = LN2^T(n + M(n), dx); dx = LN1^T(m, d + M^T(n, d)).
  void feed_forward_vjp_post(const B& backend, const block_record<B>& record, const block_workspace<B>& w,
                             output_matrix<B> dx) const {
    feed_forward_norm.vjp(backend, record.sum, dx, dx);
    feed_forward.vjp(backend, record.inner, dx, dx, w, dx);
    if (attention_norm) attention_norm->vjp(backend, record.middle, dx, dx);
  }
  /// pre: dx += LN1^T(x, A^T(LN1(x), dx)); post: dx += A^T(x, dx); pre_normed: dx = LN1^T(x, dx + A^T(LN1(x),
  /// dx)).
  void attend_vjp(const B& backend, input_matrix<B> x, const block_record<B>& record,
                  const block_workspace<B>& w, output_matrix<B> dx) const {
    if (placement == norm_placement::pre && attention_norm) {
      const output_matrix<B> part = scalars_over<B>(w.narrow, dx.columns);
      attention.vjp(backend, record.projected, dx, {}, w, part);
      attention_norm->vjp(backend, x, part, part);
      backend.add(part, dx);
      return;
    }
    attention.vjp(backend, record.projected, dx, dx, w, dx);
    if (placement == norm_placement::pre_normed && attention_norm) attention_norm->vjp(backend, x, dx, dx);
  }
};

DNALM_END_NAMESPACE
