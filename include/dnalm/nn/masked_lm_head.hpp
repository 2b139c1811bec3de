// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The masked-language-model head: hidden states to logits.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/linear_layer.hpp>
#include <dnalm/nn/norm_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// logits = Wd LN(gelu(W x + b)) + bd, gelu in its exact form.
template <encoder_backend B>
struct masked_lm_head {
  linear_layer<B> dense;  ///< (D, D)
  norm_layer<B> norm;
  linear_layer<B> decoder;  ///< (V, D)

  /// x (R, D), narrow (R, D) scratch, logits (R, V).
  void forward(const B& backend, input_matrix<B> x, output_matrix<B> narrow, output_matrix<B> logits) const {
    dense.forward(backend, x, narrow, activation::gelu_erf);
    norm.forward(backend, narrow, narrow);
    decoder.forward(backend, narrow, logits);
  }
  // adjoint: vjp(backend, x, dlogits, dx), next to forward
};

DNALM_END_NAMESPACE
