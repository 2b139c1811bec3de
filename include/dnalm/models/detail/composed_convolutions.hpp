// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Two convolutions behind each other with nothing between them, run as one.
///
/// h = W1 * x + b1, y = W2 * h + b2 is one convolution of t1 + t2 - 1 taps,
///
///     W[n][t][c] = sum over t' and m of W2[n][t - t'][m] W1[m][t'][c],  b = b2 + sum of W2 b1,
///
/// in all rows of y that read no row beyond the ends of h: there h is zero, not b1 or what W1 makes of a few
/// rows of x. The first and last rows are therefore made by the two convolutions, of the ends of x. Of Sei's
/// first two (4 to 480 to 480 channels, 9 taps each) 1.6 per cent of the products are left.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The weight (outputs, taps inputs) of two convolutions as one, of `second` (outputs, t2 inner) after
/// `first` (inner, t1 inputs).
[[nodiscard]] inline std::vector<double> composed_weight(const std::vector<double>& first,
                                                         const std::vector<double>& second, index_t inner,
                                                         index_t first_taps, index_t second_taps) {
  const index_t depth = static_cast<index_t>(first.size()) / inner;  // t1 inputs
  const index_t inputs = depth / first_taps;
  const index_t columns = checked_mul(inputs, first_taps + second_taps - 1);
  const index_t outputs = static_cast<index_t>(second.size()) / (inner * second_taps);
  std::vector<double> weight(static_cast<std::size_t>(checked_mul(outputs, columns)), 0.0);
  for (index_t n = 0; n < outputs; ++n) {
    for (index_t t = 0; t < second_taps; ++t) {
      double* to = weight.data() + n * columns + t * inputs;
      for (index_t m = 0; m < inner; ++m) {
        const double factor = second[static_cast<std::size_t>((n * second_taps + t) * inner + m)];
        const double* from = first.data() + m * depth;
        for (index_t k = 0; k < depth; ++k) to[k] += factor * from[k];
      }
    }
  }
  return weight;
}

/// b2 + W2 b1; biases may be empty.
[[nodiscard]] inline std::vector<double> composed_bias(const std::vector<double>& first_bias,
                                                       const std::vector<double>& second,
                                                       std::vector<double> second_bias, index_t outputs) {
  if (first_bias.empty()) return second_bias;
  second_bias.resize(static_cast<std::size_t>(outputs), 0.0);
  const std::size_t depth = second.size() / second_bias.size();
  for (std::size_t i = 0; i < second.size(); ++i) {
    second_bias[i / depth] += second[i] * first_bias[i % first_bias.size()];
  }
  return second_bias;
}

/// Rewrites a graph of fixed length; of any other nothing is changed, since how many rows an end leaves out
/// is a number of the graph.
class convolution_composer {
 public:
  explicit convolution_composer(const layer_graph& graph) : graph_(graph), shapes_(graph) {
    shapes_.rows(graph.input.length, rows_, graph.architecture);
    count_readers();
  }
  [[nodiscard]] layer_graph run() {
    made_ = graph_;
    made_.nodes.clear();
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const bool first = i + 1 < graph_.nodes.size() && composes(graph_.nodes[i + 1], i + 1);
      if (!first) {
        moved_.push_back(append(graph_.nodes[i]));
        continue;
      }
      moved_.push_back(-1);  // nobody else reads it
      moved_.push_back(compose(graph_.nodes[i], graph_.nodes[i + 1]));
      ++i;
    }
    for (auto* results : {&made_.layers, &made_.outputs, &made_.linear}) {
      for (graph_result& result : *results) result.value = moved(result.value);
    }
    return std::move(made_);
  }

 private:
  [[nodiscard]] index_t moved(index_t value) const {
    return value == 0 ? 0 : moved_[static_cast<std::size_t>(value - 1)];
  }
  void count_readers() {
    readers_.assign(graph_.nodes.size() + 1, 0);
    fused_.assign(graph_.nodes.size() + 1, 0);
    for (const layer_node& node : graph_.nodes) {
      const bool fused = node.kind == layer_kind::function || node.kind == layer_kind::batch_norm;
      for (const index_t value : node.inputs) {
        ++readers_[static_cast<std::size_t>(value)];
        if (fused) fused_[static_cast<std::size_t>(value)] = 1;
      }
    }
    for (const index_t value : graph_.seen_values()) ++readers_[static_cast<std::size_t>(value)];
  }
  [[nodiscard]] static bool is_plain(const layer_node& node) {
    const bool own_weights =
        node.layout == weight_layout::strands || node.layout == weight_layout::strand_letters;
    return node.kind == layer_kind::convolution && !own_weights && node.stride == 1 && node.dilation == 1 &&
           node.groups == 1 && node.before >= 0 && node.after >= 0 && node.inner.taps == 0;
  }
  /// Whether operation `at` is the second of two that are run as one: at least half of the products are saved
  /// and the ends are a small part of the rows and read some. One whose value a function or a batch norm
  /// alone reads stays: it takes them up.
  [[nodiscard]] bool composes(const layer_node& second, std::size_t at) const {
    if (at == 0 || !is_plain(second) || second.inputs[0] != static_cast<index_t>(at)) return false;
    const layer_node& first = graph_.nodes[at - 1];
    const bool taken_up = readers_[at + 1] == 1 && fused_[at + 1] != 0;
    if (!is_plain(first) || readers_[at] != 1 || taken_up) return false;
    const index_t inputs = shapes_.channels(first.inputs[0]);
    const index_t taps = first.taps + second.taps - 1;
    const index_t rows = std::min(rows_[static_cast<std::size_t>(first.inputs[0])], rows_[at]);
    const auto products = [](index_t from, index_t count, index_t to) {
      return static_cast<double>(from) * static_cast<double>(count) * static_cast<double>(to);
    };
    const double two =
        products(inputs, first.taps, first.outputs) + products(first.outputs, second.taps, second.outputs);
    const bool ends = second.before > 0 || second.after > 0;
    const bool read = second.taps > 1 && first.before < taps - 1 && first.after < taps - 1;
    return 2 * products(inputs, taps, second.outputs) <= two && (read || !ends) &&
           rows >= 16 * (taps + first.before + first.after);
  }

  index_t append(layer_node node) {
    for (index_t& value : node.inputs) value = moved(value);
    return push(std::move(node));
  }
  index_t push(layer_node node) {
    made_.nodes.push_back(std::move(node));
    return static_cast<index_t>(made_.nodes.size());
  }
  [[nodiscard]] static layer_node padded(layer_node node, index_t x, index_t before, index_t after) {
    node.inputs = {x};
    node.before = before;
    node.after = after;
    return node;
  }
  /// The rows at one end, by the two convolutions: of x the rows that they read.
  [[nodiscard]] index_t end_rows(const layer_node& first, const layer_node& second, index_t x, index_t rows,
                                 bool front) {
    const index_t padding = front ? first.before : first.after;
    const index_t read = first.taps + second.taps - 2 - padding;
    layer_node crop;
    crop.kind = layer_kind::place;
    crop.name = second.name + (front ? ", first rows" : ", last rows");
    crop.inputs = {x};
    (front ? crop.after : crop.before) = read - rows;
    const index_t part = push(std::move(crop));
    const index_t inner = push(padded(first, part, front ? padding : 0, front ? 0 : padding));
    return push(padded(second, inner, front ? second.before : 0, front ? 0 : second.after));
  }
  [[nodiscard]] index_t compose(const layer_node& first, const layer_node& second) {
    const index_t x = moved(first.inputs[0]);
    const index_t rows = rows_[static_cast<std::size_t>(first.inputs[0])];
    layer_node join;
    join.kind = layer_kind::join_positions;
    join.name = second.name;
    if (second.before > 0) join.inputs.push_back(end_rows(first, second, x, rows, true));
    layer_node middle = padded(second, x, first.before, first.after);
    middle.taps = first.taps + second.taps - 1;
    middle.inner = {
        .tensors = first.tensors, .layout = first.layout, .outputs = first.outputs, .taps = first.taps};
    join.inputs.push_back(push(std::move(middle)));
    if (second.after > 0) join.inputs.push_back(end_rows(first, second, x, rows, false));
    return join.inputs.size() == 1 ? join.inputs.front() : push(std::move(join));
  }

  const layer_graph& graph_;
  graph_shapes shapes_;
  std::vector<index_t> rows_;     // of every value
  std::vector<index_t> readers_;  // of every value
  std::vector<char> fused_;       // whether a function or a batch norm reads it
  std::vector<index_t> moved_;    // values of the new graph
  layer_graph made_;
};

/// The graph as it runs. Layers, outputs and tensors stay what they are.
[[nodiscard]] inline layer_graph compose_convolutions(const layer_graph& graph) {
  return graph.input.length == 0 ? graph : convolution_composer(graph).run();
}

}  // namespace detail
DNALM_END_NAMESPACE
