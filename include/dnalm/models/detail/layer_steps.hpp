// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The steps in which a network of layers runs: operations with their weights, what can be done in one
/// step put together.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/composed_convolutions.hpp>
#include <dnalm/models/layer_graph.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// One operation as it runs: y = residual + function(operation(x)).
template <class B>
struct layer_step {
  const layer_node* node = nullptr;  ///< of the graph that the network holds
  layer_kind kind = layer_kind::function;
  std::vector<index_t> inputs = {};
  index_t residual = -1;        ///< a value that is added, -1: none
  index_t residual_before = 0;  ///< rows of zeros (negative: left out) before it where it has other rows
  bool crops_residual = false;
  index_t output = 0;
  activation apply = activation::none;
  convolution_taps taps = {};
  std::vector<typename B::weight> weights = {};  ///< by group; dense: one
  typename B::vector bias = {};                  ///< shift of a batch norm
  typename B::vector scale = {};                 ///< of a batch norm
  typename B::tensor table = {};                 ///< depthwise (taps, C), positions

  /// Whether it is a product with packed weights, whose kernel adds and applies the function itself.
  [[nodiscard]] bool multiplies() const {
    return kind == layer_kind::convolution || kind == layer_kind::dense;
  }
  /// Whether it applies a function to what it computes: a gradient keeps what that function reads.
  [[nodiscard]] bool parted() const { return apply != activation::none && kind != layer_kind::function; }
  /// Whether its adjoint makes the gradients by all its inputs before it adds any.
  [[nodiscard]] bool makes_gradients_at_once() const {
    return kind == layer_kind::masked_mean || kind == layer_kind::softmax_pool ||
           kind == layer_kind::relative_attention;
  }
};

/// A step while it is put together: its numbers in double.
struct planned_step {
  std::size_t node = 0;
  layer_kind kind = layer_kind::function;
  std::vector<index_t> inputs = {};
  index_t residual = -1;
  index_t output = 0;
  activation apply = activation::none;
  std::vector<double> weight = {};  ///< (out, taps in), depthwise (taps, C), batch norm: the scale
  std::vector<double> bias = {};    ///< empty: none
  bool dropped = false;
};

/// (out, in, taps) or (taps, in, out), to (out, taps in).
[[nodiscard]] inline std::vector<double> rows_of_weight(const std::vector<double>& from, weight_layout layout,
                                                        index_t outputs, index_t inputs, index_t taps) {
  const bool outputs_first = layout == weight_layout::out_in_taps || layout == weight_layout::strands;
  std::vector<double> to(from.size());
  for (index_t n = 0; n < outputs; ++n) {
    for (index_t c = 0; c < inputs; ++c) {
      for (index_t t = 0; t < taps; ++t) {
        const index_t at = outputs_first ? (n * inputs + c) * taps + t : (t * inputs + c) * outputs + n;
        to[static_cast<std::size_t>((n * taps + t) * inputs + c)] = from[static_cast<std::size_t>(at)];
      }
    }
  }
  return to;
}

/// The mean of numbers and of themselves backwards.
inline void alike_backwards(std::span<double> x) {
  for (std::size_t i = 0, j = x.size(); i + 1 < j; ++i) {
    --j;
    x[i] = x[j] = 0.5 * (x[i] + x[j]);
  }
}

/// Of a table of A, C, G, T, N and one letter more, the first five rows: each the mean of itself and of its
/// complement's backwards.
inline void letters_of_strands(std::vector<double>& table) {
  const std::size_t columns = table.size() / 6;
  table.resize(5 * columns);
  alike_backwards(std::span(table).first(4 * columns));
  alike_backwards(std::span(table).last(columns));
}

/// Puts the steps of a graph together.
///
/// A batch norm, y = x s + b with s = gamma / sqrt(variance + eps) and b = beta - mean s, is multiplied into
/// the product before it when nobody else sees that product's value, or into the product behind it when that
/// reads no rows of zeros; a function goes to the product or batch norm before it, a sum to the later of two
/// products. All of it in double.
class step_planner {
 public:
  step_planner(const layer_graph& graph, const graph_shapes& shapes, const weight_source& source)
      : graph_(graph), shapes_(shapes), source_(source) {
    for (const planned_tensor& tensor : plan_tensors(graph)) planned_.emplace(tensor.name, tensor);
    count_uses();
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) add(i);
    std::erase_if(steps_, [](const planned_step& step) { return step.dropped; });
  }
  [[nodiscard]] std::vector<planned_step> take() { return std::move(steps_); }

 private:
  void count_uses() {
    uses_.assign(graph_.nodes.size() + 1, 0);
    maker_.assign(graph_.nodes.size() + 1, -1);
    for (const layer_node& node : graph_.nodes) {
      for (const index_t value : node.inputs) ++uses_[static_cast<std::size_t>(value)];
    }
    for (const index_t value : graph_.seen_values()) ++uses_[static_cast<std::size_t>(value)];
  }
  /// The step that makes a value which one operation alone sees, when it may still take a function; or null.
  [[nodiscard]] planned_step* open_maker(index_t value) {
    const std::ptrdiff_t maker = maker_[static_cast<std::size_t>(value)];
    if (maker < 0 || uses_[static_cast<std::size_t>(value)] != 1) return nullptr;
    planned_step& step = steps_[static_cast<std::size_t>(maker)];
    return step.apply == activation::none && step.residual < 0 ? &step : nullptr;
  }
  [[nodiscard]] static bool multiplies(layer_kind kind) {
    return kind == layer_kind::convolution || kind == layer_kind::dense;
  }
  void redirect(planned_step& step, index_t value) {
    maker_[static_cast<std::size_t>(value)] = &step - steps_.data();
    step.output = value;
  }

  void add(std::size_t i) {
    const layer_node& node = graph_.nodes[i];
    const auto made = static_cast<index_t>(i) + 1;
    if (node.kind == layer_kind::batch_norm && fold_back(node, made)) return;
    if (node.kind == layer_kind::function && put_function(node, made)) return;
    if (node.kind == layer_kind::add && put_sum(node, made)) return;
    planned_step step{i, node.kind, node.inputs};
    if (node.kind == layer_kind::batch_norm) {
      norm_numbers(node, step.weight, step.bias);
    } else {
      read_product(node, step);
    }
    if (multiplies(node.kind)) fold_forward(node, step);
    steps_.push_back(std::move(step));
    redirect(steps_.back(), made);
  }

  [[nodiscard]] std::vector<double> read(const layer_node& node, layer_tensor part) const {
    std::vector<double> values = read(node.tensors, part);
    if (values.empty()) return values;
    if (node.layout == weight_layout::strands) alike_backwards(values);
    if (node.layout == weight_layout::strand_letters) letters_of_strands(values);
    return values;
  }
  [[nodiscard]] std::vector<double> read(const std::vector<graph_tensor>& tensors, layer_tensor part) const {
    const graph_tensor* tensor = tensor_of(tensors, part);
    if (tensor == nullptr) return {};
    std::vector<double> values(static_cast<std::size_t>(checked_size(tensor->shape)));
    source_.read(planned_.at(tensor->name), std::span<double>(values));
    return values;
  }

  [[nodiscard]] index_t channels_in(const layer_node& node) const { return shapes_.channels(node.inputs[0]); }

  void norm_numbers(const layer_node& node, std::vector<double>& scale, std::vector<double>& shift) const {
    const std::vector<double> gamma = read(node, layer_tensor::gamma);
    const std::vector<double> mean = read(node, layer_tensor::mean);
    const std::vector<double> variance = read(node, layer_tensor::variance);
    const auto channels = static_cast<std::size_t>(channels_in(node));
    shift = read(node, layer_tensor::beta);
    shift.resize(channels, 0.0);
    scale.assign(channels, 1.0);
    for (std::size_t c = 0; c < channels; ++c) {
      if (!gamma.empty()) scale[c] = gamma[c];
      if (!variance.empty()) scale[c] /= std::sqrt(variance[c] + node.eps);
      if (!mean.empty()) shift[c] -= mean[c] * scale[c];
    }
    check_numbers(node, scale);
  }
  void check_numbers(const layer_node& node, const std::vector<double>& scale) const {
    if (std::all_of(scale.begin(), scale.end(), [](double s) { return std::isfinite(s); })) return;
    throw error(
        error_kind::numeric, 434, "a batch norm divides by zero or by the root of a negative number",
        {.where = graph_.architecture + ", '" + node.name + "'", .expected = "variance + eps above 0"});
  }

  void read_product(const layer_node& node, planned_step& step) const {
    const index_t inputs = channels_in(node);
    step.bias = read(node, layer_tensor::bias);
    if (node.inner.taps > 0) return compose(node, inputs, step);
    if (node.kind == layer_kind::convolution || node.kind == layer_kind::dense) {
      const index_t taps = node.kind == layer_kind::dense ? 1 : node.taps;
      step.weight = rows_of_weight(read(node, layer_tensor::weight), node.layout, node.outputs,
                                   inputs / node.groups, taps);
    } else if (node.kind == layer_kind::depthwise) {
      step.weight = read(node, layer_tensor::weight);
      if (node.layout == weight_layout::out_in_taps) step.weight = turned(step.weight, inputs, node.taps);
    } else if (node.kind == layer_kind::layer_norm) {
      step.weight = read(node, layer_tensor::gamma);
      step.bias = read(node, layer_tensor::beta);
    } else if (node.kind == layer_kind::relative_attention) {
      step.weight = read(node, layer_tensor::weight);
      const std::vector<double> position = read(node, layer_tensor::position_bias);
      step.bias.insert(step.bias.end(), position.begin(), position.end());
    } else if (node.kind == layer_kind::weigh_positions) {
      weights_of_positions(node, inputs, step);
    } else if (node.kind == layer_kind::project_positions) {
      step.weight = node.constant;
    }
  }
  /// Two convolutions as one.
  void compose(const layer_node& node, index_t inputs, planned_step& step) const {
    const inner_convolution& inner = node.inner;
    const index_t taps = node.taps - inner.taps + 1;
    const std::vector<double> first = rows_of_weight(read(inner.tensors, layer_tensor::weight), inner.layout,
                                                     inner.outputs, inputs, inner.taps);
    const std::vector<double> second =
        rows_of_weight(read(node, layer_tensor::weight), node.layout, node.outputs, inner.outputs, taps);
    step.weight = composed_weight(first, second, inner.outputs, inner.taps, taps);
    step.bias =
        composed_bias(read(inner.tensors, layer_tensor::bias), second, std::move(step.bias), node.outputs);
  }
  [[nodiscard]] static std::vector<double> turned(const std::vector<double>& from, index_t rows,
                                                  index_t columns) {
    std::vector<double> to(from.size());
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < columns; ++c) {
        to[static_cast<std::size_t>(c * rows + r)] = from[static_cast<std::size_t>(r * columns + c)];
      }
    }
    return to;
  }
  /// 1 + constant weight + bias, (L, C).
  void weights_of_positions(const layer_node& node, index_t channels, planned_step& step) const {
    const std::vector<double> weight = read(node, layer_tensor::weight);
    const index_t terms = node.constant_columns;
    const index_t length = static_cast<index_t>(node.constant.size()) / terms;
    step.weight.assign(static_cast<std::size_t>(checked_mul(length, channels)), 1.0);
    for (index_t i = 0; i < length; ++i) {
      for (index_t c = 0; c < channels; ++c) {
        double& sum = step.weight[static_cast<std::size_t>(i * channels + c)];
        if (!step.bias.empty()) sum += step.bias[static_cast<std::size_t>(c)];
        for (index_t k = 0; k < terms; ++k) {
          sum += node.constant[static_cast<std::size_t>(i * terms + k)] *
                 weight[static_cast<std::size_t>(k * channels + c)];
        }
      }
    }
    step.bias.clear();
  }

  /// A batch norm into the product that makes its input.
  bool fold_back(const layer_node& node, index_t made) {
    planned_step* before = open_maker(node.inputs[0]);
    if (before == nullptr) return false;
    const bool product = multiplies(before->kind);
    if (!product && before->kind != layer_kind::depthwise) return false;
    std::vector<double> scale;
    std::vector<double> shift;
    norm_numbers(node, scale, shift);
    const std::size_t outputs = scale.size();
    const std::size_t depth = before->weight.size() / outputs;
    for (std::size_t i = 0; i < before->weight.size(); ++i) {
      before->weight[i] *= scale[product ? i / depth : i % outputs];
    }
    before->bias.resize(outputs, 0.0);
    for (std::size_t n = 0; n < outputs; ++n) before->bias[n] = before->bias[n] * scale[n] + shift[n];
    redirect(*before, made);
    return true;
  }
  /// A batch norm into the product that alone reads it.
  void fold_forward(const layer_node& node, planned_step& step) {
    planned_step* norm = open_maker(node.inputs[0]);
    if (norm == nullptr || norm->kind != layer_kind::batch_norm) return;
    if (node.kind == layer_kind::convolution && (node.before != 0 || node.after != 0 || node.groups != 1)) {
      return;
    }
    const std::size_t inputs = norm->weight.size();
    const auto outputs = static_cast<std::size_t>(node.outputs);
    const std::size_t depth = step.weight.size() / outputs;
    step.bias.resize(outputs, 0.0);
    for (std::size_t i = 0; i < step.weight.size(); ++i) {
      step.bias[i / depth] += step.weight[i] * norm->bias[i % inputs];
      step.weight[i] *= norm->weight[i % inputs];
    }
    step.inputs = norm->inputs;
    norm->dropped = true;
  }
  bool put_function(const layer_node& node, index_t made) {
    planned_step* before = open_maker(node.inputs[0]);
    if (before == nullptr) return false;
    if (!multiplies(before->kind) && before->kind != layer_kind::batch_norm) return false;
    before->apply = node.apply;
    redirect(*before, made);
    return true;
  }
  /// The sum into the product that makes one of its inputs, when the other is there before.
  bool put_sum(const layer_node& node, index_t made) {
    for (const std::size_t product : {std::size_t{1}, std::size_t{0}}) {
      const index_t value = node.inputs[product];
      const index_t other = node.inputs[1 - product];
      const std::ptrdiff_t maker = maker_[static_cast<std::size_t>(value)];
      if (maker < 0 || uses_[static_cast<std::size_t>(value)] != 1 || other == value) continue;
      planned_step& step = steps_[static_cast<std::size_t>(maker)];
      const bool early = maker_[static_cast<std::size_t>(other)] < maker;
      if (!multiplies(step.kind) || step.residual >= 0 || !early || repeats(node)) continue;
      step.residual = other;
      redirect(step, made);
      return true;
    }
    return false;
  }
  /// Whether the second value of a sum is one row for all rows of the first.
  [[nodiscard]] bool repeats(const layer_node& node) const {
    return shapes_.single(node.inputs[1]) && !shapes_.single(node.inputs[0]);
  }

  const layer_graph& graph_;
  const graph_shapes& shapes_;
  const weight_source& source_;
  std::map<std::string, planned_tensor> planned_;
  std::vector<planned_step> steps_;
  std::vector<index_t> uses_;          // of every value
  std::vector<std::ptrdiff_t> maker_;  // the step that makes it, -1: none (the input, or fused away)
};

/// Numbers of a planned step in the backend's type.
template <class T>
[[nodiscard]] std::vector<T> narrowed(std::span<const double> values) {
  std::vector<T> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(), [](double v) { return static_cast<T>(v); });
  return result;
}

/// The packed weights of a product, one for each group; `all` (out, taps in).
template <class B>
[[nodiscard]] std::vector<typename B::weight> pack_groups(const B& backend, const layer_node& node,
                                                          const std::vector<scalar_of<B>>& all) {
  const index_t groups = node.kind == layer_kind::convolution ? node.groups : 1;
  const index_t outputs = node.outputs / groups;
  const index_t depth = static_cast<index_t>(all.size()) / node.outputs;
  std::vector<typename B::weight> packed;
  for (index_t g = 0; g < groups; ++g) {
    const auto rows = as_matrix(all.data() + g * outputs * depth, outputs, depth);
    if constexpr (requires { backend.pack_convolution(rows, taps_of(node)); }) {
      if (node.kind == layer_kind::convolution) {
        packed.push_back(backend.pack_convolution(rows, taps_of(node)));
        continue;
      }
    }
    packed.push_back(backend.pack(rows));
  }
  return packed;
}

/// A planned step on a backend.
template <class B>
[[nodiscard]] layer_step<B> make_step(const B& backend, const layer_graph& graph,
                                      const planned_step& planned) {
  using T = scalar_of<B>;
  const layer_node& node = graph.nodes[planned.node];
  layer_step<B> step;
  step.node = &node;
  step.kind = planned.kind;
  step.inputs = planned.inputs;
  step.residual = planned.residual;
  step.output = planned.output;
  step.apply = planned.kind == layer_kind::function ? node.apply : planned.apply;
  step.taps = taps_of(node);
  const std::vector<T> numbers = narrowed<T>(planned.weight);
  const auto size = static_cast<index_t>(numbers.size());
  if (step.multiplies()) {
    step.weights = pack_groups(backend, node, numbers);
  } else if (planned.kind == layer_kind::relative_attention) {
    const index_t columns = node.constant_columns;
    step.weights.push_back(backend.pack(as_matrix(numbers.data(), size / columns, columns)));
  } else if (planned.kind == layer_kind::batch_norm || planned.kind == layer_kind::layer_norm) {
    step.scale = backend.upload(numbers);
  } else if (size > 0) {
    const index_t rows = planned.kind == layer_kind::depthwise ? node.taps
                         : planned.kind == layer_kind::weigh_positions
                             ? static_cast<index_t>(node.constant.size()) / node.constant_columns
                             : size / node.constant_columns;
    step.table = backend.upload(numbers, rows, size / rows);
  }
  step.bias = backend.upload(narrowed<T>(planned.bias));
  return step;
}

}  // namespace detail
DNALM_END_NAMESPACE
