// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Caduceus' keys of config.json.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/detail/config_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Largest size of any kind that is believed.
inline constexpr index_t caduceus_extent = index_t{1} << 24;

[[nodiscard]] inline bool is_caduceus(const config_reader& reader) {
  return reader.text("model_type", "") == "caduceus";
}

/// \throws 404 when a flag is there and false.
inline void require_true(const config_reader& reader, const std::string& key) {
  if (!reader.flag(key, true)) reader.unsupported(key, "true", "false");
}

inline void read_caduceus_sizes(const config_reader& reader, caduceus_config& config) {
  config.layers = reader.size("n_layer", 1, 4096);
  config.channels = reader.size("d_model", 1, caduceus_extent);
  config.letters = reader.size("vocab_size", 1, caduceus_extent);
  config.token_multiple = reader.size("pad_vocab_size_multiple", 1, caduceus_extent, 8);
  config.vocabulary =
      (config.letters + config.token_multiple - 1) / config.token_multiple * config.token_multiple;
  config.two_strands = reader.flag("rcps", false);
  config.width = config.strands() * config.channels;
  config.norm_eps = reader.number("norm_epsilon", 0.0, 1.0, 1e-5);
  config.initializer_range = reader.within("initializer_cfg").number("initializer_range", 0.0, 1e3, 0.02);
  const int pad = config.letters > 4 ? 4 : -1;
  config.pad_id = static_cast<int>(reader.size("pad_token_id", 0, config.vocabulary - 1, pad));
  config.mask_id = config.letters > 3 ? 3 : -1;
}

/// The numbers of `d_model` that `expand` stands for, rounded down.
[[nodiscard]] inline index_t expanded(const config_reader& mixer, index_t channels) {
  const double inner = std::floor(mixer.number("expand", 0.0, 256.0, 2.0) * static_cast<double>(channels));
  if (inner < 1.0 || inner > static_cast<double>(caduceus_extent)) {
    mixer.contradiction("an expand that leaves channels", std::to_string(inner));
  }
  return static_cast<index_t>(inner);
}

/// \throws 404 for a key of `ssm_cfg` that may change the numbers. Those of Mamba's initialisation, and which
/// of its kernels runs, do not.
inline void check_mixer_keys(const config_reader& mixer) {
  for (const std::string& key : mixer.keys()) {
    bool known = false;
    for (const char* name : {"d_state", "d_conv", "expand", "dt_rank", "conv_bias", "bias", "dt_min",
                             "dt_max", "dt_init", "dt_scale", "dt_init_floor", "use_fast_path"}) {
      known = known || key == name;
    }
    if (!known) mixer.unsupported(key, "keys of Mamba's first mixer", "another");
  }
}

inline void read_caduceus_mixer(const config_reader& mixer, caduceus_config& config) {
  check_mixer_keys(mixer);
  mixer.require_false("bias");
  config.states = mixer.size("d_state", 1, 4096, 16);
  config.taps = mixer.size("d_conv", 1, 4096, 4);
  config.inner = expanded(mixer, config.channels);
  config.convolution_bias = mixer.flag("conv_bias", true);
  const bool automatic = !mixer.contains("dt_rank") || mixer.is_text("dt_rank", "auto");
  config.rank = automatic ? (config.channels + 15) / 16 : mixer.size("dt_rank", 1, caduceus_extent);
}

/// The complement of every token: `complement_map` by the numbers of its keys, which may stand in any order;
/// tokens behind the last of them are their own.
inline void read_complements(const config_reader& reader, caduceus_config& config) {
  if (!reader.contains("complement_map")) reader.missing("\"complement_map\"");
  const config_reader map = reader.within("complement_map");
  const std::vector<std::string> keys = map.keys();
  const auto named = static_cast<index_t>(keys.size());
  if (named > config.vocabulary) {
    reader.contradiction("a complement_map of at most " + std::to_string(config.vocabulary) + " tokens",
                         std::to_string(named));
  }
  config.complement.resize(static_cast<std::size_t>(config.vocabulary));
  for (index_t token = 0; token < config.vocabulary; ++token) {
    const auto other = token < named ? map.size(std::to_string(token), 0, config.vocabulary - 1) : token;
    config.complement[static_cast<std::size_t>(token)] = static_cast<std::int32_t>(other);
  }
}

/// \throws 404 for what is another network.
inline void check_caduceus(const config_reader& reader) {
  require_true(reader, "bidirectional");
  require_true(reader, "bidirectional_weight_tie");
  require_true(reader, "rms_norm");
  reader.require_text("bidirectional_strategy", "add");
  for (const std::string key : {"quantization_config", "pruned_heads", "is_decoder", "add_cross_attention"}) {
    reader.require_absent(key);
  }
  for (const std::string& name : reader.texts("auto_map")) {
    const std::string module = name.substr(name.rfind("--") == std::string::npos ? 0 : name.rfind("--") + 2);
    const std::string file = module.substr(0, module.find('.'));
    if (file == "modeling_caduceus" || file == "configuration_caduceus" || file.rfind("tokeniz", 0) == 0) {
      continue;
    }
    reader.unsupported("auto_map", "modeling_caduceus", "\"" + name + "\"");
  }
}

[[nodiscard]] inline caduceus_config read_caduceus(const config_reader& reader) {
  if (!is_caduceus(reader)) {
    throw error(error_kind::unsupported, 400, "not the configuration of a Caduceus model",
                {.where = reader.where(),
                 .expected = "model_type \"caduceus\"",
                 .found = "\"" + reader.text("model_type", "") + "\""});
  }
  caduceus_config config;
  check_caduceus(reader);
  read_caduceus_sizes(reader, config);
  read_caduceus_mixer(reader.within("ssm_cfg"), config);
  config.exchanges_strands = config.two_strands && reader.flag("fused_add_norm", true);
  config.tied_head = config.two_strands || reader.flag("tie_word_embeddings", true);
  if (config.two_strands) read_complements(reader, config);
  return config;
}

}  // namespace detail
DNALM_END_NAMESPACE
