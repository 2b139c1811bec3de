// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The masked-language-model head: hidden states to logits.
#pragma once

#include <algorithm>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/linear_layer.hpp>
#include <dnalm/nn/norm_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// logits = Wd LN(f(W x + b)) + bd; f is the exact gelu unless the configuration says otherwise.
template <encoder_backend B>
struct masked_lm_head {
  linear_layer<B> dense;  ///< (D, D)
  norm_layer<B> norm;
  linear_layer<B> decoder;  ///< (V, D)
  activation function = activation::gelu_erf;

  /// x (R, D), narrow (R, D) scratch, logits (R, V).
  void forward(const B& backend, input_matrix<B> x, output_rows<B> narrow, output_vector<B> scratch,
               output_matrix<B> logits) const {
    dense.forward(backend, x, scratch, narrow, function);
    norm.forward(backend, narrow, narrow);
    decoder.forward(backend, narrow, scratch, logits);
  }
  /// Numbers of scratch that forward needs.
  [[nodiscard]] index_t scratch(const B& backend) const {
    return std::max(dense.scratch(backend), decoder.scratch(backend));
  }

  /// Numbers of scratch that vjp needs.
  [[nodiscard]] index_t vjp_scratch(const B& backend) const {
    return std::max({scratch(backend), dense.vjp_scratch(backend), decoder.vjp_scratch(backend)});
  }
  /// dx = (f'(z) LN^T(f(z), dlogits Wd)) W with z = W x + b computed again.
  /// dlogits (R, V), narrow (R, D) scratch, dx (R, D); dx overlaps none of the others.
  void vjp(const B& backend, input_matrix<B> x, input_matrix<B> dlogits, output_matrix<B> narrow,
           output_matrix<B> gradient, output_vector<B> scratch, output_matrix<B> dx) const {
    decoder.vjp(backend, dlogits, scratch, gradient);
    dense.forward(backend, x, scratch, narrow, function);
    norm.vjp(backend, narrow, gradient, gradient);
    dense.forward(backend, x, scratch, narrow);
    backend.activation_vjp(narrow, function, gradient, gradient);
    dense.vjp(backend, gradient, scratch, dx);
  }
};

DNALM_END_NAMESPACE
