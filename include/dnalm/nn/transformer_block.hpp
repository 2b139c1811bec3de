// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One block of a transformer encoder.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/attention_layer.hpp>
#include <dnalm/nn/block_workspace.hpp>
#include <dnalm/nn/feed_forward_layer.hpp>
#include <dnalm/nn/norm_layer.hpp>
#include <dnalm/nn/norm_placement.hpp>

DNALM_BEGIN_NAMESPACE

/// pre: x += A(LN1(x)); x += M(LN2(x)). post: x = LN1(x + A(x)); x = LN2(x + M(x)).
template <encoder_backend B>
struct transformer_block {
  norm_layer<B> attention_norm;
  attention_layer<B> attention;
  norm_layer<B> feed_forward_norm;
  feed_forward_layer<B> feed_forward;
  norm_placement placement = norm_placement::pre;

  /// x (R, D) in place.
  void forward(const B& backend, const block_workspace<B>& w, output_matrix<B> x) const {
    if (placement == norm_placement::pre) {
      attention_norm.forward(backend, x, w.narrow);
      attention.forward(backend, w.narrow, x, w, x);
      feed_forward_norm.forward(backend, x, w.narrow);
      feed_forward.forward(backend, w.narrow, x, w, x);
    } else {
      attention.forward(backend, x, x, w, x);
      attention_norm.forward(backend, x, x);
      feed_forward.forward(backend, x, x, w, x);
      feed_forward_norm.forward(backend, x, x);
    }
  }
  // adjoint: vjp(backend, w, saved, dx), next to forward: the same steps bottom-up
};

DNALM_END_NAMESPACE
