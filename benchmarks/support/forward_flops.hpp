// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Operations of a forward pass: what floors are made of.
#pragma once

#include <algorithm>
#include <cmath>
#include <variant>
#include <vector>

#include <dnalm/models/detail/row_ranges.hpp>
#include <dnalm/models/detail/row_trims.hpp>
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

/// Rows of all blocks that differ where one of the sequence's `length` rows does, and that rows `read` of the
/// last state depend on.
inline double edited_rows(const dnalm::convnet_config& c, dnalm::index_t length, dnalm::index_t position,
                          const dnalm::detail::row_range& read) {
  std::vector<dnalm::detail::row_range> needed(static_cast<std::size_t>(c.layers), read);
  for (dnalm::index_t layer = c.layers - 1; layer > 0; --layer) {
    const dnalm::detail::row_range& above = needed[static_cast<std::size_t>(layer)];
    needed[static_cast<std::size_t>(layer) - 1] =
        dnalm::detail::part_inside(dnalm::detail::rows_read_by(above, c.layer_taps(layer)), length);
  }
  dnalm::detail::row_range reached{position, position + 1};
  double rows = 0;
  for (dnalm::index_t layer = 0; layer < c.layers; ++layer) {
    reached = dnalm::detail::rows_that_read(reached, c.layer_taps(layer), length);
    rows += static_cast<double>(
        dnalm::detail::common_rows(reached, needed[static_cast<std::size_t>(layer)]).size());
  }
  return rows;
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

/// Of every strand and token: 2 x block weights, and for each direction and state a product of three numbers,
/// two sums of products and one exponential, counted as 6.
inline double forward_flops(const dnalm::caduceus_config& c, double tokens) {
  const auto d = static_cast<double>(c.channels);
  const auto e = static_cast<double>(c.inner);
  const auto n = static_cast<double>(c.states);
  const auto q = static_cast<double>(c.rank);
  const double block = 2 * 3 * d * e + 2 * (2 * e * (q + 2 * n) + 2 * q * e + 6 * e * n);
  return tokens * static_cast<double>(c.strands() * c.layers) * block;
}

/// An operation of a graph, as trim_rows asks for it.
struct graph_step {
  const dnalm::layer_node* node = nullptr;
  dnalm::layer_kind kind = dnalm::layer_kind::function;
  std::vector<dnalm::index_t> inputs = {};
  dnalm::index_t residual = -1;
  dnalm::index_t residual_before = 0;
  bool crops_residual = false;
  dnalm::index_t output = 0;
  dnalm::convolution_taps taps = {};
};

/// 2 x weights and output row, of convolutions and dense layers; rows that no result reads are not counted.
inline double forward_flops(const dnalm::layer_graph& graph, double tokens) {
  const dnalm::graph_shapes shapes(graph);
  std::vector<dnalm::index_t> rows;
  shapes.rows(static_cast<dnalm::index_t>(tokens), rows, "a benchmark");
  std::vector<graph_step> steps;
  for (const dnalm::layer_node& node : graph.nodes) {
    const auto made = static_cast<dnalm::index_t>(steps.size()) + 1;
    graph_step step{.node = &node, .kind = node.kind, .inputs = node.inputs, .output = made};
    if (node.kind == dnalm::layer_kind::add) {  // as networks do it: with the product that makes the second
      step.kind = dnalm::layer_kind::function;
      step.inputs = {node.inputs[1]};
      step.residual = node.inputs[0];
    }
    steps.push_back(step);
  }
  const auto trims = dnalm::detail::trim_rows(graph, shapes, steps);
  for (std::size_t value = 0; value < rows.size(); ++value) rows[value] = trims[value].of(rows[value]);
  double sum = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const dnalm::layer_node& node = graph.nodes[i];
    const auto made = static_cast<double>(rows[i + 1] * shapes.channels(static_cast<dnalm::index_t>(i) + 1));
    const auto taps = static_cast<double>(node.taps);
    if (node.kind == dnalm::layer_kind::depthwise) sum += 2 * made * taps;
    if (node.kind != dnalm::layer_kind::convolution && node.kind != dnalm::layer_kind::dense) continue;
    sum += 2 * made * taps * static_cast<double>(shapes.channels(node.inputs[0]) / node.groups);
  }
  return sum;
}

inline double forward_flops(const dnalm::network_config& config, double tokens) {
  return std::visit([&](const auto& kind) { return forward_flops(kind, tokens); }, config);
}

}  // namespace dnalm_bench
