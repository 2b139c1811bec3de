// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief HyenaDNA's keys of config.json.
#pragma once

#include <string>

#include <dnalm/models/detail/config_file.hpp>
#include <dnalm/models/hyena_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Largest size of any kind that is believed.
inline constexpr index_t hyena_extent = index_t{1} << 24;

[[nodiscard]] inline bool is_hub_hyena(const config_reader& reader) {
  return reader.text("model_type", "") == "hyenadna";
}
[[nodiscard]] inline bool is_original_hyena(const config_reader& reader) {
  const bool sizes = reader.contains("d_model") && reader.contains("n_layer") && reader.contains("layer");
  return !reader.contains("model_type") && sizes && reader.within("layer").contains("l_max");
}

/// Rows of the embedding: a multiple of `multiple`.
[[nodiscard]] inline index_t padded_vocabulary(const config_reader& reader, index_t letters,
                                               index_t otherwise) {
  const index_t multiple = reader.size("pad_vocab_size_multiple", 1, hyena_extent, otherwise);
  return (letters + multiple - 1) / multiple * multiple;
}

/// \throws 404 unless the key is absent or has that value: the others are other operators.
inline void require_size(const config_reader& reader, const std::string& key, index_t only) {
  const index_t value = reader.size(key, 0, hyena_extent, only);
  if (value != only) reader.unsupported(key, std::to_string(only), std::to_string(value));
}

inline void read_hyena_sizes(const config_reader& reader, hyena_config& config) {
  config.layers = reader.size("n_layer", 1, 4096);
  config.width = reader.size("d_model", 1, hyena_extent);
  config.feed_forward = reader.size("d_inner", 1, hyena_extent, 4 * config.width);
  config.letters = reader.size("vocab_size", 1, hyena_extent);
  config.final_norm_eps = reader.number("layer_norm_epsilon", 0.0, 1.0, 1e-5);
  config.initializer_range = reader.number("initializer_range", 0.0, 1e3, 0.02);
}

/// The hub's port takes layer_norm_epsilon for the last norm only.
inline void read_hub_hyena(const config_reader& reader, hyena_config& config) {
  config.layout = hyena_layout::hub;
  config.vocabulary = padded_vocabulary(reader, config.letters, 8);
  config.positions = reader.size("max_seq_len", 1, hyena_extent);
  config.embedding = reader.size("emb_dim", 3, 4095);
  config.filter_order = reader.size("filter_order", 1, hyena_extent, 64);
  config.inner_layers = reader.size("num_inner_mlps", 0, 64, 2);
  config.frequency = reader.number("activation_freq", -1e6, 1e6, 1.0);
  config.learned_frequency = reader.flag("train_freq", true);
  config.tied_head = reader.flag("tie_word_embeddings", true);
  config.pad_id = static_cast<int>(reader.size("pad_token_id", 0, config.vocabulary - 1, 4));
  require_size(reader, "hyena_order", 2);
  require_size(reader, "short_filter_order", 3);
}

inline void check_original_layer(const config_reader& layer) {
  layer.require_text("_name_", "hyena");
  require_size(layer, "order", 2);
  for (const std::string key : {"num_heads", "num_blocks", "inner_factor"}) require_size(layer, key, 1);
  for (const std::string key : {"bidirectional", "outer_mixing", "post_order_ffn", "normalized"}) {
    layer.require_false(key);
  }
  layer.require_text("activation", "id");
  require_size(layer, "short_filter_order", 3);
}

/// The authors' format: the operator's settings under `layer`; logits are products with the embedding.
inline void read_original_hyena(const config_reader& reader, hyena_config& config) {
  const config_reader layer = reader.within("layer");
  config.layout = hyena_layout::original;
  config.norm_eps = config.final_norm_eps;
  config.vocabulary = padded_vocabulary(reader, config.letters, 1);
  config.positions = layer.size("l_max", 1, hyena_extent);
  config.embedding = layer.size("emb_dim", 3, 4095, 3);
  config.filter_order = layer.size("filter_order", 1, hyena_extent, 64);
  config.inner_layers = layer.size("num_inner_mlps", 0, 64, 2);
  config.frequency = layer.number("w", -1e6, 1e6, 1.0);
  config.modulated = layer.flag("modulate", true);
  config.shift = layer.number("shift", -1e6, 1e6, 0.05);
  config.fast_decay = layer.number("fast_decay_pct", 1e-6, 1e6, 0.3);
  config.slow_decay = layer.number("slow_decay_pct", 1e-6, 1e6, 1.5);
  config.target = layer.number("target", 1e-30, 1e30, 1e-2);
  config.tied_head = true;
  check_original_layer(layer);
  if (reader.holds_something("attn_layer_idx")) {
    reader.unsupported("attn_layer_idx", "no attention layers", "some");
  }
  require_size(reader, "max_position_embeddings", 0);
}

/// \throws 404 when a folder brings other code, which may compute anything.
inline void check_hyena_code(const config_reader& reader) {
  for (const std::string& name : reader.texts("auto_map")) {
    const std::string module = name.substr(name.rfind("--") == std::string::npos ? 0 : name.rfind("--") + 2);
    const std::string file = module.substr(0, module.find('.'));
    if (file == "modeling_hyena" || file == "configuration_hyena" || file.rfind("tokeniz", 0) == 0) continue;
    reader.unsupported("auto_map", "modeling_hyena", "\"" + name + "\"");
  }
}

inline void check_hyena(const config_reader& reader, const hyena_config& config) {
  if (config.embedding % 2 == 0) {
    reader.contradiction("an odd emb_dim: the position, cosines and as many sines",
                         std::to_string(config.embedding));
  }
  if (config.positions < 2) reader.contradiction("an l_max of at least 2", std::to_string(config.positions));
}

[[nodiscard]] inline bool is_hyena(const config_reader& reader) {
  return is_hub_hyena(reader) || is_original_hyena(reader);
}

[[nodiscard]] inline hyena_config read_hyena(const config_reader& reader) {
  const bool hub = is_hub_hyena(reader);
  if (!is_hyena(reader)) {
    throw error(error_kind::unsupported, 400, "not the configuration of a HyenaDNA model",
                {.where = reader.where(),
                 .expected = "model_type \"hyenadna\", or d_model, n_layer and layer with l_max",
                 .found = "neither"});
  }
  hyena_config config;
  read_hyena_sizes(reader, config);
  hub ? read_hub_hyena(reader, config) : read_original_hyena(reader, config);
  check_hyena_code(reader);
  check_hyena(reader, config);
  return config;
}

}  // namespace detail
DNALM_END_NAMESPACE
