// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Configurations of BERT and what grew out of it: DNABERT, DNABERT-2, GENA-LM, BigBird, ModernBERT.
#pragma once

#include <string>
#include <vector>

#include <dnalm/models/detail/config_common.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Settings of stock BERT that would change the numbers.
inline void check_bert_settings(const config_reader& reader) {
  reader.require_absent("embedding_size");
}

/// Post-norm, learned positions from 0, two token types, a tied head.
inline void read_bert_base(const config_reader& reader, encoder_config& config) {
  config.positions = reader.size("max_position_embeddings", 1, most_extent);
  config.token_types = reader.size("type_vocab_size", 1, 1 << 16, 2);
  config.pad_id = static_cast<int>(reader.size("pad_token_id", 0, config.vocabulary - 1, 0));
  config.norm = norm_placement::post;
  config.position = position_kind::learned;
  config.function = config.head_function = read_activation(reader, "hidden_act");
  config.embedding_norm = true;
  config.final_norm = false;
  config.scale_query_first = false;
  config.tied_head = reader.flag("tie_word_embeddings", true);
  check_bert_settings(reader);
}

inline void read_bert(const config_reader& reader, encoder_config& config) {
  read_norm_eps(reader, "layer_norm_eps", 1e-12, config);
  read_bert_base(reader, config);
  reader.require_text("position_embedding_type", "absolute");
}

/// GENA-LM's pre_layer_norm: x + A(LN(x)), x + M(LN(x)), and a LayerNorm at the end unless last_layer_norm is
/// false; rotary_dim channels of each head are rotated when positions are rotary.
inline void read_gena(const config_reader& reader, encoder_config& config) {
  read_norm_eps(reader, "layer_norm_eps", 1e-12, config);
  read_bert_base(reader, config);
  const bool pre = reader.flag("pre_layer_norm", false);
  config.norm = pre ? norm_placement::pre : norm_placement::post;
  config.final_norm = reader.flag("last_layer_norm", pre);
  if (config.final_norm && !pre)
    reader.contradiction("pre_layer_norm with last_layer_norm", "no pre_layer_norm");
  const std::string position = reader.text("position_embedding_type", "absolute");
  if (position == "rotary") {
    config.position = position_kind::rotary;
    config.rotary_width = reader.size("rotary_dim", 2, config.head_width(), config.head_width());
    if (!reader.contains("rotary_base")) reader.missing("\"rotary_base\", which rotary positions need");
    config.rotary_base = reader.number("rotary_base", 1.0, 1e12, 0.0);
  } else if (position != "absolute") {
    reader.unsupported("position_embedding_type", "\"absolute\" or \"rotary\"", "\"" + position + "\"");
  }
  reader.require_absent("sparse_config_cls");
  check_rotary(reader, config);
}

/// BigBird attends to everything up to (5 + 2 num_random_blocks) block_size tokens, as transformers does;
/// longer inputs would need its random blocks and are refused by the length.
inline void read_big_bird(const config_reader& reader, encoder_config& config) {
  read_norm_eps(reader, "layer_norm_eps", 1e-12, config);
  read_bert_base(reader, config);
  if (!reader.contains("hidden_act")) config.function = config.head_function = activation::gelu_tanh;
  config.qkv_bias = reader.flag("use_bias", true);
  reader.require_false("rescale_embeddings");
  reader.require_text("position_embedding_type", "absolute");
  const std::string attention = reader.text("attention_type", "block_sparse");
  if (attention == "block_sparse") {
    config.dense_limit =
        (5 + 2 * reader.size("num_random_blocks", 0, 1 << 16, 3)) * reader.size("block_size", 1, 1 << 16, 64);
  } else if (attention != "original_full") {
    reader.unsupported("attention_type", "\"block_sparse\" or \"original_full\"", "\"" + attention + "\"");
  }
}

inline void read_dnabert2(const config_reader& reader, encoder_config& config) {
  config.norm_eps = reader.number("layer_norm_eps", 0.0, 1.0, 1e-12);
  config.head_norm_eps = 1e-12;  // a constant of the published code
  config.token_types = reader.size("type_vocab_size", 1, 1 << 16, 2);
  config.norm = norm_placement::post;
  config.position = position_kind::alibi;
  config.gated = true;
  config.feed_forward_bias1 = false;
  config.embedding_norm = true;
  config.final_norm = false;
  config.scale_query_first = false;
  config.fused_qkv = true;
  config.tied_head = true;
  reader.require_text("hidden_act", "gelu");
}

/// The rotary base of one kind of block in a configuration as transformers 5 writes it.
[[nodiscard]] inline double read_rope_parameters(const config_reader& all, const std::string& kind) {
  const config_reader rope = all.within(kind);
  rope.require_text("rope_type", "default");
  if (!rope.contains("rope_theta")) rope.missing("\"rope_theta\" of " + kind);
  return rope.number("rope_theta", 1.0, 1e12, 0.0);
}

/// Which blocks are global: every n-th, said as n or, by transformers 5, block by block.
[[nodiscard]] inline index_t read_global_every(const config_reader& reader, index_t layers) {
  if (!reader.contains("layer_types")) return reader.size("global_attn_every_n_layers", 1, 4096, 3);
  const std::vector<std::string> types = reader.texts("layer_types");
  if (static_cast<index_t>(types.size()) != layers) {
    reader.contradiction(std::to_string(layers) + " layer_types", std::to_string(types.size()));
  }
  index_t every = 1;
  while (every < layers && types[static_cast<std::size_t>(every)] != "full_attention") ++every;
  for (index_t layer = 0; layer < layers; ++layer) {
    const std::string expected = layer % every == 0 ? "full_attention" : "sliding_attention";
    const std::string& found = types[static_cast<std::size_t>(layer)];
    if (found == expected) continue;
    reader.unsupported("layer_types", expected + " for block " + std::to_string(layer), "\"" + found + "\"");
  }
  return every;
}

inline void read_rotary_bases(const config_reader& reader, encoder_config& config) {
  if (reader.contains("rope_parameters")) {
    const config_reader rope = reader.within("rope_parameters");
    config.rotary_base = read_rope_parameters(rope, "full_attention");
    config.local_rotary_base = read_rope_parameters(rope, "sliding_attention");
    return;
  }
  config.rotary_base = reader.number("global_rope_theta", 1.0, 1e12, 160000.0);
  const bool same = reader.holds_null("local_rope_theta");
  config.local_rotary_base =
      reader.number("local_rope_theta", 1.0, 1e12, same ? config.rotary_base : 10000.0);
}

/// Blocks whose number is no multiple of global_attn_every_n_layers attend to local_attention / 2 tokens on
/// either side, with a rotary base of their own.
inline void read_modernbert(const config_reader& reader, encoder_config& config) {
  read_norm_eps(reader, "norm_eps", 1e-5, config);
  config.positions = reader.size("max_position_embeddings", 1, most_extent, 8192);
  config.pad_id = static_cast<int>(reader.size("pad_token_id", 0, config.vocabulary - 1, -1));
  config.position = position_kind::rotary;
  read_rotary_bases(reader, config);
  config.global_every = read_global_every(reader, config.layers);
  config.local_window = reader.size("local_attention", 2, most_extent, 128) / 2;
  config.function = read_activation(reader, "hidden_activation");
  config.head_function = read_activation(reader, "classifier_activation");
  config.gated = true;
  config.fused_qkv = true;
  config.scale_query_first = false;
  config.embedding_norm = true;
  config.first_attention_norm = false;
  config.norm_bias = reader.flag("norm_bias", false);
  config.qkv_bias = config.output_bias = reader.flag("attention_bias", false);
  config.feed_forward_bias1 = config.feed_forward_bias2 = reader.flag("mlp_bias", false);
  config.head_dense_bias = reader.flag("classifier_bias", false);
  config.decoder_bias = reader.flag("decoder_bias", true);
  config.tied_head = reader.flag("tie_word_embeddings", true);
  reader.require_absent("rope_scaling");
  check_rotary(reader, config);
}

}  // namespace detail
DNALM_END_NAMESPACE
