// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Configurations of GPN's ConvNet.
#pragma once

#include <string>

#include <dnalm/models/convnet_config.hpp>
#include <dnalm/models/detail/config_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline bool is_convnet(const config_reader& reader) {
  return reader.text("model_type", "") == "ConvNet";
}

inline void read_dilations(const config_reader& reader, convnet_config& config) {
  constexpr index_t most = index_t{1} << 24;
  config.taps = reader.size("kernel_size", 1, 4096, config.taps);
  config.dilation_base = reader.size("dilation_base", 1, most, config.dilation_base);
  config.dilation_double_every = reader.size("dilation_double_every", 1, most, config.dilation_double_every);
  config.dilation_max = reader.size("dilation_max", 1, most, config.dilation_max);
  config.dilation_cycle = reader.size("dilation_cycle", 1, most, config.dilation_cycle);
}

[[nodiscard]] inline convnet_config read_convnet(const config_reader& reader) {
  constexpr index_t most = index_t{1} << 24;
  convnet_config config;
  config.layers = reader.size("n_layers", 1, 4096);
  config.width = reader.size("hidden_size", 1, most);
  config.vocabulary = reader.size("vocab_size", 1, most);
  config.initializer_range = reader.number("initializer_range", 0.0, 1e3, config.initializer_range);
  read_dilations(reader, config);
  if (config.vocabulary > config.width) {
    reader.contradiction("hidden_size of at least vocab_size: tokens are one-hot channels",
                         std::to_string(config.width) + " and " + std::to_string(config.vocabulary));
  }
  const index_t features = reader.size("n_aux_features", 0, most, 0);
  if (features != 0) reader.unsupported("n_aux_features", "0", std::to_string(features));
  reader.require_absent("auto_map");
  for (const std::string key : {"is_decoder", "add_cross_attention", "is_encoder_decoder"}) {
    reader.require_false(key);
  }
  for (const std::string key : {"pruned_heads", "quantization_config"}) reader.require_absent(key);
  return config;
}

}  // namespace detail
DNALM_END_NAMESPACE
