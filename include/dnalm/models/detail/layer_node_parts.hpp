// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the description of an operation says of its taps and tensors.
#pragma once

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline convolution_taps taps_of(const layer_node& node) {
  return {node.taps, node.dilation, node.before, node.stride};
}

/// A tensor of the node, or null.
[[nodiscard]] inline const graph_tensor* tensor_of(const layer_node& node, layer_tensor part) {
  for (const graph_tensor& tensor : node.tensors) {
    if (tensor.part == part) return &tensor;
  }
  return nullptr;
}

}  // namespace detail
DNALM_END_NAMESPACE
