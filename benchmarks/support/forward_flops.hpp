// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Operations of a forward pass: what floors are made of.
#pragma once

#include <algorithm>
#include <cmath>
#include <variant>

#include <dnalm/models/network_config.hpp>

namespace dnalm_bench {

/// Numbers in the matrices of all blocks.
inline double block_weights(const dnalm::encoder_config& c) {
  const auto d = static_cast<double>(c.width);
  const auto f = static_cast<double>(c.feed_forward);
  return static_cast<double>(c.layers) * (4 * d * d + (c.gated ? 3 : 2) * d * f);
}

/// 2 x block weights per token, and 4 D L per token and layer.
inline double forward_flops(const dnalm::encoder_config& c, double tokens) {
  return tokens *
         (2 * block_weights(c) + 4 * static_cast<double>(c.width) * tokens * static_cast<double>(c.layers));
}

/// 2 (taps + 1) D^2 per token and layer: the zeros beyond the ends of a sequence are counted as numbers.
inline double forward_flops(const dnalm::convnet_config& c, double tokens) {
  const auto d = static_cast<double>(c.width);
  return tokens * static_cast<double>(c.layers) * 2 * static_cast<double>(c.taps + 1) * d * d;
}

/// Two real transforms of N = 2 L numbers, 5/2 N log2 N each, and the product of their N / 2 pairs: a causal
/// convolution of L numbers with a filter whose transform is known.
inline double long_convolution_flops(double length) {
  const double n = 2 * length;
  return 5 * n * std::log2(std::max(n, 2.0)) + 3 * n;
}

/// 2 (4 D^2 + 2 D F) per token and layer; 3 taps over 3 D channels, two gates, and the long convolution of
/// each channel.
inline double forward_flops(const dnalm::hyena_config& c, double tokens) {
  const auto d = static_cast<double>(c.width);
  const double products = 2 * (4 * d * d + 2 * d * static_cast<double>(c.feed_forward));
  const double rest = d * (18 + 2);
  return static_cast<double>(c.layers) * (tokens * (products + rest) + d * long_convolution_flops(tokens));
}

inline double forward_flops(const dnalm::network_config& config, double tokens) {
  return std::visit([&](const auto& kind) { return forward_flops(kind, tokens); }, config);
}

}  // namespace dnalm_bench
