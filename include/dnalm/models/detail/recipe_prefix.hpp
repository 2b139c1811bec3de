// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What trainers put before the names of a network's tensors.
#pragma once

#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/graph_builder.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The first of `module.model.`, `module.`, `model.` and nothing that, before `name`, is a tensor of the
/// file; nothing where none is.
[[nodiscard]] inline std::string prefix_of(const tensor_table& tensors, const std::string& name) {
  for (const char* prefix : {"module.model.", "module.", "model."}) {
    if (tensors.contains(prefix + name)) return prefix;
  }
  return {};
}

/// The graph of a network whose products and norms all have their biases and weights, and convolutions too
/// where `convolutions`. \throws error [dnalm.config.410] one is missing.
[[nodiscard]] inline layer_graph with_biases(layer_graph graph, const tensor_table& tensors,
                                             bool convolutions) {
  for (const layer_node& node : graph.nodes) {
    const bool norm = node.kind == layer_kind::batch_norm;
    if (norm) static_cast<void>(tensors.shape(node.name + ".weight"));
    const bool needed =
        node.kind == layer_kind::convolution ? convolutions : norm || node.kind == layer_kind::dense;
    if (needed) static_cast<void>(tensors.shape(node.name + ".bias"));
  }
  return graph;
}

}  // namespace detail
DNALM_END_NAMESPACE
