// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the predictions of a network of layers are maps of: the values before a last sigmoid, softmax
/// or the like.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// How a value came from linear ones: by one map, or as a weighted sum of values of that map.
struct mapped_value {
  std::string_view map = {};  ///< empty: by none
  double weight = 1.0;        ///< the sum of the weights, each above 0
  bool sum = false;           ///< whether several values of the map, or multiples, were added
};

/// The map that an operation applies as a network's last one: a strictly increasing function, or softmax.
/// Empty: it is none.
[[nodiscard]] inline std::string_view last_map_of(const layer_node& node) {
  if (node.kind == layer_kind::softmax) return "softmax";
  if (node.kind != layer_kind::function) return {};
  switch (node.apply) {
    case activation::sigmoid:
    case activation::tanh:
    case activation::exponential:
    case activation::softplus: return to_string(node.apply);
    default: return {};
  }
}

/// Whether an operation moves or leaves out numbers, and changes none.
[[nodiscard]] inline bool rearranges(const layer_node& node) {
  switch (node.kind) {
    case layer_kind::function: return node.apply == activation::none;
    case layer_kind::middle:
    case layer_kind::centre_to:
    case layer_kind::flatten:
    case layer_kind::reverse:
    case layer_kind::join_channels:
    case layer_kind::join_positions: return true;
    case layer_kind::place: return !node.window.same && node.before <= 0 && node.after <= 0;
    default: return false;
  }
}

/// Values whose numbers an operation hands on: of the middle rows the second tells only how many.
[[nodiscard]] inline std::size_t handed_on(const layer_node& node) {
  return node.kind == layer_kind::centre_to ? 1 : node.inputs.size();
}

/// Whether value `value` of a graph is an affine function of what its last convolutions or dense layers read:
/// theirs, rearranged, scaled or added. False of the input.
[[nodiscard]] inline bool ends_linearly(const layer_graph& graph, index_t value) {
  std::vector<char> linear(graph.nodes.size() + 1, 0);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const layer_node& node = graph.nodes[i];
    const bool makes = node.kind == layer_kind::convolution || node.kind == layer_kind::depthwise ||
                       node.kind == layer_kind::dense;
    const bool keeps = node.kind == layer_kind::scale || node.kind == layer_kind::add || rearranges(node);
    const auto is_linear = [&](index_t input) {
      return input > 0 && linear[static_cast<std::size_t>(input)] != 0;
    };
    const auto inputs = std::span(node.inputs).first(handed_on(node));
    linear[i + 1] = makes || (keeps && std::all_of(inputs.begin(), inputs.end(), is_linear)) ? 1 : 0;
  }
  return value > 0 && value < static_cast<index_t>(linear.size()) &&
         linear[static_cast<std::size_t>(value)] != 0;
}

/// Finds the linear output of each prediction: x where the last operation is a map of x; the same
/// rearrangement, or mean, of the x where rearranged or averaged values of one map are predicted (a crop,
/// both strands, an ensemble); else the prediction itself.
class linear_output_finder {
 public:
  explicit linear_output_finder(const layer_graph& graph) : graph_(graph), mapped_(graph.nodes.size() + 1) {
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) mapped_[i + 1] = look_at(graph.nodes[i]);
  }

  /// The map of a prediction; none where sums have weights other than those of a mean.
  [[nodiscard]] mapped_value map_of(const graph_result& output) const {
    const mapped_value& found = mapped(output.value);
    return std::abs(found.weight - 1.0) < 1e-9 ? found : mapped_value{};
  }
  /// The graph with operations for linear outputs that it does not compute, and `linear`.
  [[nodiscard]] layer_graph run() {
    layer_graph made = graph_;
    const std::vector<char> wanted = wanted_values();
    std::vector<index_t> linear(mapped_.size(), -1);
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (wanted[i + 1] == 0) continue;
      layer_node node = graph_.nodes[i];
      if (!last_map_of(node).empty()) {
        linear[i + 1] = node.inputs[0];
        continue;
      }
      for (std::size_t k = 0; k < handed_on(node); ++k) {
        node.inputs[k] = linear[static_cast<std::size_t>(node.inputs[k])];
      }
      made.nodes.push_back(std::move(node));
      linear[i + 1] = static_cast<index_t>(made.nodes.size());
    }
    made.linear.clear();
    for (const graph_result& output : graph_.outputs) {
      const bool plain = map_of(output).map.empty();
      made.linear.push_back(
          {output.name, plain ? output.value : linear[static_cast<std::size_t>(output.value)]});
    }
    return made;
  }

 private:
  /// Values that no operation makes came by none.
  [[nodiscard]] const mapped_value& mapped(index_t value) const {
    const bool made = value > 0 && value < static_cast<index_t>(mapped_.size());
    return mapped_[made ? static_cast<std::size_t>(value) : 0];
  }
  [[nodiscard]] mapped_value look_at(const layer_node& node) const {
    if (node.inputs.empty()) return {};
    const std::string_view map = last_map_of(node);
    if (!map.empty() && node.inputs[0] > 0) return {.map = map};
    mapped_value found = mapped(node.inputs[0]);
    if (node.kind == layer_kind::scale) {
      if (!(node.value > 0)) return {};  // a mean has no weights of 0 or below
      return {.map = found.map, .weight = found.weight * node.value, .sum = found.sum || node.value != 1.0};
    }
    if (node.kind != layer_kind::add && !rearranges(node)) return {};
    for (std::size_t k = 1; k < handed_on(node); ++k) {
      const mapped_value& other = mapped(node.inputs[k]);
      if (other.map != found.map) return {};
      found.sum = found.sum || other.sum;
      if (node.kind == layer_kind::add) found.weight += other.weight;
      if (node.kind != layer_kind::add && other.weight != found.weight) return {};
    }
    found.sum = found.sum || node.kind == layer_kind::add;
    return found;
  }
  /// Values between a map and a prediction.
  [[nodiscard]] std::vector<char> wanted_values() const {
    std::vector<char> wanted(mapped_.size(), 0);
    for (const graph_result& output : graph_.outputs) {
      if (!map_of(output).map.empty()) wanted[static_cast<std::size_t>(output.value)] = 1;
    }
    for (std::size_t i = graph_.nodes.size(); i-- > 0;) {
      const layer_node& node = graph_.nodes[i];
      if (wanted[i + 1] == 0 || !last_map_of(node).empty()) continue;
      for (std::size_t k = 0; k < handed_on(node); ++k) {
        wanted[static_cast<std::size_t>(node.inputs[k])] = 1;
      }
    }
    return wanted;
  }

  const layer_graph& graph_;
  std::vector<mapped_value> mapped_;  // by value
};

/// The graph as a network runs it: linear outputs are values of it. Layers and outputs stay what they are.
[[nodiscard]] inline layer_graph with_linear_outputs(const layer_graph& graph) {
  return linear_output_finder(graph).run();
}

}  // namespace detail
DNALM_END_NAMESPACE
