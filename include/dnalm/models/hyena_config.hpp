// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the config.json of a HyenaDNA folder says, as the authors publish it and as the hub's port
/// does.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/network_summary.hpp>

DNALM_BEGIN_NAMESPACE

/// Whose configuration and tensor names a folder has.
enum class hyena_layout {
  original,  ///< config.json with `layer`, weights.ckpt of PyTorch Lightning
  hub        ///< `-hf` folders: model_type `hyenadna`, model.safetensors
};

/// A causal language model of Hyena operators of order 2. Sizes are positive and fit together once checked.
struct hyena_config {
  hyena_layout layout = hyena_layout::hub;
  index_t layers = 0;        ///< n_layer
  index_t width = 0;         ///< D, d_model
  index_t feed_forward = 0;  ///< F, d_inner
  index_t letters = 0;       ///< tokens that the tokenizer knows, vocab_size
  index_t vocabulary = 0;    ///< V, rows of the embedding: letters, up to a multiple
  index_t positions = 0;     ///< longest input in tokens, l_max or max_seq_len
  index_t embedding = 0;     ///< E, numbers of a position, emb_dim; odd
  index_t filter_order = 0;  ///< O, width of the filter's network
  index_t inner_layers = 2;  ///< O x O layers of it, num_inner_mlps
  int pad_id = 4;
  bool tied_head = false;         ///< logits are products with the embedding
  bool learned_frequency = true;  ///< the sines' frequencies are in the file, train_freq
  bool modulated = true;          ///< the filter is damped
  double frequency = 1.0;         ///< of the sines where it is not in the file, activation_freq or w
  double shift = 0.05;            ///< of the damping
  double fast_decay = 0.3;        ///< of the damping, where it is not in the file; so are the next two
  double slow_decay = 1.5;
  double target = 1e-2;
  double norm_eps = 1e-5;  ///< of the LayerNorms in the blocks
  double final_norm_eps = 1e-5;
  double initializer_range = 0.02;

  /// Longest input in tokens, CLS and SEP included.
  [[nodiscard]] index_t table_limit() const { return positions; }
  [[nodiscard]] network_summary summary() const {
    return {.architecture = "HyenaDNA",
            .layers = layers,
            .width = width,
            .vocabulary = vocabulary,
            .letters = letters,
            .feed_forward = feed_forward,
            .table_limit = positions,
            .pad_id = pad_id,
            .mask_id = letters > 3 ? 3 : -1,
            .initializer_range = initializer_range};
  }
};

DNALM_END_NAMESPACE
