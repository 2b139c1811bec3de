// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The tensors of a layer_graph.
#pragma once

#include <set>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/planned_tensor.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What a random twin fills a tensor with.
[[nodiscard]] inline tensor_kind kind_of(layer_tensor part) {
  if (part == layer_tensor::weight) return tensor_kind::matrix;
  const bool one = part == layer_tensor::gamma || part == layer_tensor::variance;
  return one ? tensor_kind::norm_weight : tensor_kind::bias;
}

/// The tensor of an operation as a source knows it. Means and variances are no parameters.
[[nodiscard]] inline planned_tensor plan_of(const graph_tensor& tensor) {
  planned_tensor planned;
  planned.name = tensor.name;
  planned.shape = tensor.shape;
  planned.role = tensor_role::by_name;
  planned.kind = kind_of(tensor.part);
  planned.counted = tensor.part != layer_tensor::mean && tensor.part != layer_tensor::variance;
  return planned;
}

/// Each tensor once, in the order of the operations.
[[nodiscard]] inline std::vector<planned_tensor> plan_layers(const layer_graph& graph) {
  std::vector<planned_tensor> plan;
  std::set<std::string> known;
  for (const layer_node& node : graph.nodes) {
    for (const auto* tensors : {&node.inner.tensors, &node.tensors}) {
      for (const graph_tensor& tensor : *tensors) {
        if (known.insert(tensor.name).second) plan.push_back(plan_of(tensor));
      }
    }
  }
  for (const std::string& name : graph.unused) {
    if (!known.insert(name).second) continue;
    planned_tensor tensor;
    tensor.name = name;
    tensor.required = false;
    tensor.counted = false;
    plan.push_back(tensor);
  }
  return plan;
}

}  // namespace detail
DNALM_END_NAMESPACE
