// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the config.json of a Caduceus folder says.
#pragma once

#include <cstdint>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/network_summary.hpp>

DNALM_BEGIN_NAMESPACE

/// A masked language model of Mamba mixers in both directions: Ph, or PS, whose hidden states hold both
/// strands. Sizes are positive and fit together once checked.
struct caduceus_config {
  index_t layers = 0;          ///< n_layer
  index_t channels = 0;        ///< D of one strand, d_model
  index_t width = 0;           ///< of hidden states: D, or 2 D with two strands
  index_t vocabulary = 0;      ///< V, rows of the embedding: vocab_size, up to a multiple
  index_t letters = 0;         ///< vocab_size as it stands
  index_t token_multiple = 8;  ///< pad_vocab_size_multiple
  index_t inner = 0;           ///< E, channels of the mixer: expand d_model
  index_t states = 16;         ///< N, d_state
  index_t taps = 4;            ///< K of the short convolution, d_conv
  index_t rank = 0;            ///< Q, numbers that the steps are made of, dt_rank
  bool two_strands = false;    ///< PS: rcps
  /// The kernels that the authors trained with exchange the strands in every block of PS, and so the files
  /// need it: fused_add_norm. Without it they stay.
  bool exchanges_strands = false;
  bool convolution_bias = true;  ///< conv_bias
  bool tied_head = true;         ///< logits are products with the embedding
  int pad_id = -1;
  int mask_id = -1;
  double norm_eps = 1e-5;
  double initializer_range = 0.02;
  std::vector<std::int32_t> complement = {};  ///< of every token; for PS

  /// Whether the strands stand exchanged after so many blocks.
  [[nodiscard]] bool exchanged_after(index_t blocks) const { return exchanges_strands && blocks % 2 == 1; }
  [[nodiscard]] index_t strands() const { return two_strands ? 2 : 1; }
  [[nodiscard]] network_summary summary() const {
    return {.architecture = two_strands ? "Caduceus-PS" : "Caduceus-Ph",
            .layers = layers,
            .width = width,
            .vocabulary = vocabulary,
            .letters = letters,
            .token_multiple = token_multiple,
            .pad_id = pad_id,
            .mask_id = mask_id,
            .initializer_range = initializer_range};
  }
};

DNALM_END_NAMESPACE
