// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Configurations of the ESM encoder: NT-v1, NT-v2, ESM-2.
#pragma once

#include <string>

#include <dnalm/models/detail/config_common.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline void read_esm(const config_reader& reader, encoder_config& config) {
  read_norm_eps(reader, "layer_norm_eps", 1e-12, config);
  config.positions = reader.size("max_position_embeddings", 1, most_extent, 0);
  config.pad_id = static_cast<int>(reader.size("pad_token_id", 0, config.vocabulary - 1, -1));
  config.mask_id = static_cast<int>(reader.size("mask_token_id", 0, most_extent, -1));
  const std::string position = reader.text("position_embedding_type", "absolute");
  if (position == "absolute") {
    config.position = position_kind::learned_pad_offset;
  } else if (position == "rotary") {
    config.position = position_kind::rotary;
  } else {
    reader.unsupported("position_embedding_type", "\"absolute\" or \"rotary\"", "\"" + position + "\"");
  }
  config.embedding_norm = reader.flag("emb_layer_norm_before", false);
  config.token_dropout = reader.flag("token_dropout", false);
  config.tied_head = reader.flag("tie_word_embeddings", true);
  config.gated = config.family == architecture::nt_v2;
  config.function = config.gated ? activation::silu : activation::gelu_erf;
  if (config.gated) config.feed_forward_bias1 = config.feed_forward_bias2 = reader.flag("add_bias_fnn", true);
  reader.require_text("hidden_act", "gelu");
  reader.require_false("is_folding_model");
  check_rotary(reader, config);
  check_counted_positions(reader, config);
}

}  // namespace detail
DNALM_END_NAMESPACE
