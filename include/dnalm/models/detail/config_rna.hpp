// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Configurations of RNA models: RNA-FM, RiNALMo, and the conversions of MultiMolecule.
///
/// The authors of RNA-FM and RiNALMo publish bare weights; the configuration beside them is written by the
/// user (docs/models.md) and says `"tensor_names": "published"`.
#pragma once

#include <string>

#include <dnalm/models/detail/config_bert.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline tensor_naming read_naming(const config_reader& reader) {
  const std::string naming = reader.text("tensor_names", "multimolecule");
  if (naming == "multimolecule") return tensor_naming::multimolecule;
  if (naming == "published") return tensor_naming::published;
  reader.unsupported("tensor_names", "\"published\" or \"multimolecule\"", "\"" + naming + "\"");
}

/// MultiMolecule's settings of the head.
inline void read_multimolecule_head(const config_reader& reader, double otherwise, encoder_config& config) {
  const config_reader head = reader.within("lm_head");
  config.head_norm_eps = head.number("layer_norm_eps", 0.0, 1.0, otherwise);
  config.head_function = read_activation(head, "transform_act");
  config.decoder_bias = head.flag("bias", true);
  head.require_text("transform", "nonlinear");
  head.require_absent("act");
}

inline void read_special_tokens(const config_reader& reader, index_t pad, index_t mask,
                                encoder_config& config) {
  config.pad_id = static_cast<int>(reader.size("pad_token_id", 0, config.vocabulary - 1, pad));
  config.mask_id = static_cast<int>(reader.size("mask_token_id", 0, config.vocabulary - 1, mask));
  if (mask >= config.vocabulary && !reader.contains("mask_token_id")) {
    reader.contradiction("a vocabulary that holds the mask token " + std::to_string(mask),
                         std::to_string(config.vocabulary) + " tokens");
  }
}

/// ESM-1b's encoder. The authors' loader sets the mask token's embedding to 0; MultiMolecule's does not, and
/// its pad token is 0 where positions still count from 2.
inline void read_rnafm(const config_reader& reader, encoder_config& config) {
  config.naming = read_naming(reader);
  const bool published = config.naming == tensor_naming::published;
  read_norm_eps(reader, "layer_norm_eps", 1e-5, config);
  read_special_tokens(reader, published ? 1 : 0, published ? config.vocabulary - 1 : 4, config);
  config.positions = reader.size("max_position_embeddings", 1, most_extent, 1026);
  config.position = position_kind::learned_pad_offset;
  config.position_shift = published ? 0 : 1;
  config.mask_row_zero = published;
  config.embedding_norm = reader.flag("embed_norm", true);
  config.token_dropout = reader.flag("token_dropout", false);
  config.tied_head = reader.flag("tie_word_embeddings", true);
  config.function = read_activation(reader, "hidden_act");
  reader.require_text("position_embedding_type", "absolute");
  if (!published) read_multimolecule_head(reader, config.norm_eps, config);
  check_counted_positions(reader, config);
}

/// y = LN(x), y + A(y), then x + M(LN(x)) with the gate a sigmoid(beta a); two thirds of intermediate_size
/// are the inner width.
inline void read_rinalmo(const config_reader& reader, encoder_config& config) {
  config.naming = read_naming(reader);
  const bool published = config.naming == tensor_naming::published;
  read_norm_eps(reader, "layer_norm_eps", 1e-5, config);
  read_special_tokens(reader, published ? 1 : 0, 4, config);
  config.feed_forward = static_cast<index_t>(2.0 / 3.0 * static_cast<double>(config.feed_forward));
  if (config.feed_forward < 1) reader.contradiction("an intermediate_size of at least 2", "1");
  config.positions = reader.size("max_position_embeddings", 1, most_extent, 0);
  config.position = position_kind::rotary;
  config.norm = norm_placement::pre_normed;
  config.function = activation::silu;
  config.gated = config.gate_beta = true;
  config.scale_query_first = false;
  config.fused_qkv = published;
  config.qkv_bias = config.output_bias = false;
  config.token_dropout = reader.flag("token_dropout", true);
  config.tied_head = reader.flag("tie_word_embeddings", false);
  reader.require_text("position_embedding_type", "rotary");
  if (!published) read_multimolecule_head(reader, config.norm_eps, config);
  check_rotary(reader, config);
}

/// MultiMolecule's DNABERT, SpliceBERT, RNABERT: BERT under other names.
inline void read_multimolecule_bert(const config_reader& reader, encoder_config& config) {
  config.naming = tensor_naming::multimolecule;
  read_norm_eps(reader, "layer_norm_eps", 1e-12, config);
  read_bert_base(reader, config);
  reader.require_text("position_embedding_type", "absolute");
  read_multimolecule_head(reader, 1e-12, config);
}

}  // namespace detail
DNALM_END_NAMESPACE
