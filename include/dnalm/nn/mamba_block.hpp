// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A block of Caduceus: Mamba's mixer in both directions behind an RMS norm.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/nn/mamba_mixer.hpp>
#include <dnalm/nn/rms_norm_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// x += mixer(RMS(x)).
template <mamba_backend B>
struct mamba_block {
  rms_norm_layer<B> norm;
  mamba_mixer<B> mixer;

  /// Numbers of scratch that forward needs.
  [[nodiscard]] index_t scratch(const B& backend) const { return mixer.scratch(backend); }
  /// y = x + mixer(RMS(x)), rows of all strands; y may be x. `wide` is w.wide, or gets what vjp reads.
  void forward(const B& backend, const mamba_workspace<B>& w, input_matrix<B> x, output_matrix<B> wide,
               output_matrix<B> y) const {
    norm.forward(backend, x, w.narrow);
    mixer.forward(backend, w.narrow, x, w, wide, y);
  }

  /// Numbers of scratch that vjp needs.
  [[nodiscard]] index_t vjp_scratch(const B& backend, index_t longest) const {
    return mixer.vjp_scratch(backend, longest);
  }
  /// d becomes the gradient by x; `wide` is what forward left.
  void vjp(const B& backend, input_matrix<B> x, input_matrix<B> wide, const mamba_workspace<B>& w,
           output_matrix<B> d) const {
    mixer.vjp(backend, wide, d, w, w.narrow);
    norm.vjp(backend, x, w.narrow, w.narrow);
    backend.add(w.narrow, d);
  }
};

DNALM_END_NAMESPACE
