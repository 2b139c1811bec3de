// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What trainers put before the names of a network's tensors.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

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

/// The graph of a network whose norms have weight and bias, and whose products have a bias but for those
/// whose names end with one of `without`. \throws error [dnalm.config.410] one is missing.
[[nodiscard]] inline layer_graph with_biases(layer_graph graph, const tensor_table& tensors,
                                             const std::vector<std::string>& without = {}) {
  for (const layer_node& node : graph.nodes) {
    const bool norm = node.kind == layer_kind::batch_norm;
    const bool product = node.kind == layer_kind::convolution || node.kind == layer_kind::dense;
    const auto ends = [&](const std::string& name) { return node.name.ends_with(name); };
    if (norm) static_cast<void>(tensors.shape(node.name + ".weight"));
    if (norm || (product && std::none_of(without.begin(), without.end(), ends))) {
      static_cast<void>(tensors.shape(node.name + ".bias"));
    }
  }
  return graph;
}

}  // namespace detail
DNALM_END_NAMESPACE
