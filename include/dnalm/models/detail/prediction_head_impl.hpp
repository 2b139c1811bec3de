// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/prediction_head.hpp.
#pragma once

#include <string>
#include <variant>

#include <dnalm/models/detail/linear_outputs.hpp>
#include <dnalm/models/prediction_head.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::vector<prediction_head> prediction_heads(const model& network) {
  const model_description& about = network.describe();
  const auto* graph = std::get_if<layer_graph>(&about.config);
  if (graph == nullptr) return {{.name = "logits", .columns = about.summary().logits_width()}};
  const detail::linear_output_finder finder(*graph);
  std::vector<prediction_head> heads;
  index_t state = static_cast<index_t>(graph->layers.size());
  for (const graph_result& output : graph->outputs) {
    ++state;
    const detail::mapped_value found = finder.map_of(output);
    const bool plain = found.map.empty();
    const index_t linear = plain ? state : state + static_cast<index_t>(graph->outputs.size());
    heads.push_back({.name = output.name,
                     .columns = network.state_width(state),
                     .state = state,
                     .linear_state = linear,
                     .map = std::string(found.map),
                     .averaged = found.sum});
  }
  return heads;
}

DNALM_END_NAMESPACE
