// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a model folder's config.json says, as the settings of one parametrised encoder.
///
/// Nucleotide Transformer v1 and v2 and DNABERT-2 differ only in these fields.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/nn/norm_placement.hpp>

DNALM_BEGIN_NAMESPACE

/// Families of checkpoints; each has its own tensor names (tensor_plan.hpp).
enum class architecture {
  nt_v1,    ///< Nucleotide Transformer v1, AgroNT: the stock ESM encoder
  nt_v2,    ///< Nucleotide Transformer v2: ESM with a gated feed-forward block
  dnabert2  ///< DNABERT-2, DNABERT-S: MosaicBERT
};

/// How a token's place enters.
enum class position_kind {
  none,
  learned_pad_offset,  ///< row pad + (count of non-pad tokens so far) of a table; pad tokens take row pad
  rotary,              ///< queries and keys are rotated, half-split
  alibi                ///< scores get -slope |i - j|
};

/// Name of an architecture for people: `NT-v1`, `NT-v2`, `DNABERT-2`.
[[nodiscard]] constexpr std::string_view to_string(architecture family) {
  switch (family) {
    case architecture::nt_v1: return "NT-v1";
    case architecture::nt_v2: return "NT-v2";
    case architecture::dnabert2: return "DNABERT-2";
  }
  return "?";
}
[[nodiscard]] constexpr std::string_view to_string(position_kind kind) {
  switch (kind) {
    case position_kind::none: return "none";
    case position_kind::learned_pad_offset: return "learned";
    case position_kind::rotary: return "rotary";
    case position_kind::alibi: return "alibi";
  }
  return "?";
}

/// One encoder with a masked-language-model head. Sizes are positive and fit together once checked.
struct encoder_config {
  architecture family = architecture::nt_v2;
  index_t layers = 0;
  index_t width = 0;  ///< D, hidden_size
  index_t heads = 0;
  index_t feed_forward = 0;  ///< F, intermediate_size (of one half when gated)
  index_t vocabulary = 0;    ///< V, rows of the embedding and width of the logits
  index_t positions = 0;     ///< rows of the position table (max_position_embeddings); 0: none
  index_t token_types = 0;   ///< rows of the token-type table; 0: none
  int pad_id = -1;           ///< -1: none
  int mask_id = -1;          ///< -1: none

  norm_placement norm = norm_placement::pre;
  position_kind position = position_kind::none;
  activation function = activation::gelu_erf;  ///< of the feed-forward block
  bool gated = false;  ///< y = W2 (function(a) b), [a | b] = W1 x, instead of W2 function(W1 x)
  bool feed_forward_bias1 = true;
  bool feed_forward_bias2 = true;
  bool embedding_norm = false;    ///< LayerNorm after the embeddings
  bool final_norm = true;         ///< LayerNorm after the last block
  bool token_dropout = false;     ///< ESM's rescaling: masked rows 0, the others x 0.88 / (1 - masked share)
  bool scale_query_first = true;  ///< q / sqrt(K) before the positions enter, else q.k / sqrt(K)
  bool fused_qkv = false;         ///< the checkpoint stores one (3D, D) matrix
  bool tied_head = false;         ///< the decoder is the embedding table
  double norm_eps = 1e-12;
  double head_norm_eps = 1e-12;
  double initializer_range = 0.02;

  /// K, the width of a head.
  [[nodiscard]] index_t head_width() const { return width / heads; }
  /// Longest input the tables allow, in tokens, CLS and the like included; 0: no limit.
  [[nodiscard]] index_t table_limit() const {
    return position == position_kind::learned_pad_offset ? positions - pad_id - 1 : 0;
  }
};

/// A key of config.json and its value as JSON text, for people.
struct config_entry {
  std::string key = {};
  std::string value = {};
};

/// Reads `folder/config.json` (duplicate keys: the last wins) and checks it.
///
/// A configuration with `add_bias_fnn` or an `auto_map` to `modeling_esm` is NT-v2; `model_type` `esm`
/// otherwise is NT-v1; an `auto_map` to `bert_layers` or `alibi_starting_size` is DNABERT-2. \throws error
/// [dnalm.unsupported.400] unknown architecture, [dnalm.config.401] a key is missing, [dnalm.config.402] a
/// value of a wrong type or out of range, [dnalm.config.403] sizes that contradict each other,
/// [dnalm.unsupported.404] a setting that is not built in; as read_json_file.
[[nodiscard]] encoder_config read_encoder_config(const std::filesystem::path& folder);

/// All top-level keys of `folder/config.json`. \throws as read_json_file.
[[nodiscard]] std::vector<config_entry> read_config_entries(const std::filesystem::path& folder);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/encoder_config_impl.hpp>
#endif
