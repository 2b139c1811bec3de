// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Keys of config.json that several families share.
#pragma once

#include <string>

#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/encoder_config.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

inline constexpr index_t most_extent = index_t{1} << 24;

inline void read_sizes(const config_reader& reader, encoder_config& config) {
  config.layers = reader.size("num_hidden_layers", 1, 4096);
  config.width = reader.size("hidden_size", 1, most_extent);
  config.heads = reader.size("num_attention_heads", 1, most_extent);
  config.feed_forward = reader.size("intermediate_size", 1, most_extent);
  config.vocabulary = reader.size("vocab_size", 1, most_extent);
  config.initializer_range = reader.number("initializer_range", 0.0, 1e3, 0.02);
  if (config.width % config.heads != 0) {
    reader.contradiction("hidden_size a multiple of num_attention_heads",
                         std::to_string(config.width) + " and " + std::to_string(config.heads));
  }
}

inline void read_norm_eps(const config_reader& reader, const std::string& key, double otherwise,
                          encoder_config& config) {
  config.norm_eps = reader.number(key, 0.0, 1.0, otherwise);
  config.head_norm_eps = config.norm_eps;
}

/// An activation by the name transformers gives it. \throws 404 for another one.
[[nodiscard]] inline activation read_activation(const config_reader& reader, const std::string& key) {
  const std::string name = reader.text(key, "gelu");
  if (name == "gelu") return activation::gelu_erf;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return activation::gelu_tanh;
  if (name == "silu" || name == "swish") return activation::silu;
  reader.unsupported(key, "\"gelu\", \"gelu_new\", \"gelu_pytorch_tanh\", \"silu\" or \"swish\"",
                     "\"" + name + "\"");
}

/// Rotated channels come in pairs.
inline void check_rotary(const config_reader& reader, const encoder_config& config) {
  if (config.position != position_kind::rotary) return;
  const index_t rotated = config.rotated_channels();
  if (rotated % 2 == 0 && rotated <= config.head_width()) return;
  reader.contradiction("an even number of rotated channels, at most the width of the heads",
                       std::to_string(rotated) + " of " + std::to_string(config.head_width()));
}

/// A table that counts from the pad token needs the token and a row behind it.
inline void check_counted_positions(const config_reader& reader, const encoder_config& config) {
  if (config.position != position_kind::learned_pad_offset) return;
  if (config.pad_id < 0 || config.positions == 0) {
    reader.missing("\"pad_token_id\" and \"max_position_embeddings\", which absolute positions need");
  }
  if (config.table_limit() < 1) {
    reader.contradiction("max_position_embeddings above pad_token_id + 1",
                         std::to_string(config.positions) + " and " + std::to_string(config.pad_id));
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
