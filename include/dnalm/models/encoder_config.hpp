// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a model folder's config.json says, as the settings of one parametrised encoder.
///
/// Nucleotide Transformer, DNABERT and their relatives differ only in these fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/nn/norm_placement.hpp>

DNALM_BEGIN_NAMESPACE

/// Families of checkpoints; each has its own tensor names (tensor_plan.hpp).
enum class architecture {
  nt_v1,       ///< Nucleotide Transformer v1, AgroNT, ESM-1b: the stock ESM encoder with learned positions
  nt_v2,       ///< Nucleotide Transformer v2: ESM with a gated feed-forward block
  dnabert2,    ///< DNABERT-2, DNABERT-S: MosaicBERT
  esm2,        ///< ESM-2: the stock ESM encoder with rotary positions
  bert,        ///< DNABERT 3-6, SpliceBERT, GROVER, RNABERT: the stock BERT encoder
  gena,        ///< GENA-LM: BERT with LayerNorms before its halves
  big_bird,    ///< GENA-LM BigBird, within the lengths at which its attention is dense
  modernbert,  ///< ModernGENA: ModernBERT, local and global blocks
  rnafm,       ///< RNA-FM, mRNA-FM
  rinalmo      ///< RiNALMo
};

/// Whose tensor names and conventions a checkpoint of RNA-FM or RiNALMo has.
enum class tensor_naming {
  published,     ///< those of the authors' own files
  multimolecule  ///< those of the MultiMolecule conversions (`model.encoder.layer.0. ...`)
};

/// How a token's place enters.
enum class position_kind {
  none,
  learned,             ///< row 0, 1, ... of a table
  learned_pad_offset,  ///< row pad + (count of non-pad tokens so far) of a table; pad tokens take row pad
  rotary,              ///< queries and keys are rotated, half-split
  alibi                ///< scores get -slope |i - j|
};

/// Name of an architecture for people: `NT-v1`, `DNABERT-2`, `GENA-LM`.
[[nodiscard]] constexpr std::string_view to_string(architecture family) {
  switch (family) {
    case architecture::nt_v1: return "NT-v1";
    case architecture::nt_v2: return "NT-v2";
    case architecture::dnabert2: return "DNABERT-2";
    case architecture::esm2: return "ESM-2";
    case architecture::bert: return "BERT";
    case architecture::gena: return "GENA-LM";
    case architecture::big_bird: return "BigBird";
    case architecture::modernbert: return "ModernBERT";
    case architecture::rnafm: return "RNA-FM";
    case architecture::rinalmo: return "RiNALMo";
  }
  return "?";
}
[[nodiscard]] constexpr std::string_view to_string(position_kind kind) {
  switch (kind) {
    case position_kind::none: return "none";
    case position_kind::learned:
    case position_kind::learned_pad_offset: return "learned";
    case position_kind::rotary: return "rotary";
    case position_kind::alibi: return "alibi";
  }
  return "?";
}

/// One encoder with a masked-language-model head. Sizes are positive and fit together once checked.
struct encoder_config {
  architecture family = architecture::nt_v2;
  tensor_naming naming = tensor_naming::published;
  index_t layers = 0;
  index_t width = 0;  ///< D, hidden_size
  index_t heads = 0;
  index_t feed_forward = 0;  ///< F, intermediate_size (of one half when gated)
  index_t vocabulary = 0;    ///< V, rows of the embedding and width of the logits
  index_t positions = 0;     ///< rows of the position table (max_position_embeddings); 0: none
  int position_shift = 0;    ///< learned_pad_offset: rows count from pad_id + position_shift
  index_t token_types = 0;   ///< rows of the token-type table; 0: none
  int pad_id = -1;           ///< -1: none
  int mask_id = -1;          ///< -1: none

  norm_placement norm = norm_placement::pre;
  position_kind position = position_kind::none;
  activation function = activation::gelu_erf;  ///< of the feed-forward block
  bool gated = false;      ///< y = W2 (function(a) b), [a | b] = W1 x, instead of W2 function(W1 x)
  bool gate_beta = false;  ///< gates are a sigmoid(beta a) with a learnt beta per block (RiNALMo)
  bool feed_forward_bias1 = true;
  bool feed_forward_bias2 = true;
  bool qkv_bias = true;
  bool output_bias = true;           ///< of the product after attention
  bool norm_bias = true;             ///< LayerNorms have a beta
  bool embedding_norm = false;       ///< LayerNorm after the embeddings
  bool first_attention_norm = true;  ///< the first block normalises before attention
  bool final_norm = true;            ///< LayerNorm after the last block
  bool token_dropout = false;     ///< ESM's rescaling: masked rows 0, the others x 0.88 / (1 - masked share)
  bool mask_row_zero = false;     ///< the mask token's embedding is 0 whatever the file says (RNA-FM)
  bool scale_query_first = true;  ///< q / sqrt(K) before the positions enter, else q.k / sqrt(K)
  bool fused_qkv = false;         ///< the checkpoint stores one (3D, D) matrix
  bool head_dense_bias = true;    ///< of the first product of the head
  bool decoder_bias = true;
  bool tied_head = false;    ///< the decoder is the embedding table
  index_t dense_limit = 0;   ///< longest input with dense attention (BigBird); 0: always dense
  index_t local_window = 0;  ///< local blocks attend at most this far; 0: there are no local blocks
  index_t global_every = 1;  ///< block l is global when l is a multiple of this (or local_window is 0)
  index_t rotary_width = 0;  ///< leading channels of a head that are rotated; 0: all
  double rotary_base = 10000.0;
  double local_rotary_base = 10000.0;  ///< of local blocks
  double norm_eps = 1e-12;
  double head_norm_eps = 1e-12;
  activation head_function = activation::gelu_erf;
  double initializer_range = 0.02;

  /// K, the width of a head.
  [[nodiscard]] index_t head_width() const { return width / heads; }
  /// Longest input the tables (or dense attention) allow, in tokens, CLS and the like included; 0: no limit.
  [[nodiscard]] index_t table_limit() const {
    if (position == position_kind::learned_pad_offset) return positions - pad_id - 1 - position_shift;
    if (position != position_kind::learned) return 0;
    return dense_limit > 0 && dense_limit < positions ? dense_limit : positions;
  }
  [[nodiscard]] bool is_local(index_t layer) const { return local_window > 0 && layer % global_every != 0; }
  /// Channels of a head that are rotated.
  [[nodiscard]] index_t rotated_channels() const { return rotary_width > 0 ? rotary_width : head_width(); }
  [[nodiscard]] network_summary summary() const {
    return {.architecture = to_string(family),
            .layers = layers,
            .width = width,
            .vocabulary = vocabulary,
            .heads = heads,
            .feed_forward = feed_forward,
            .gated = gated,
            .table_limit = table_limit(),
            .token_types = token_types,
            .pad_id = pad_id,
            .mask_id = mask_id,
            .initializer_range = initializer_range};
  }
};

DNALM_END_NAMESPACE
