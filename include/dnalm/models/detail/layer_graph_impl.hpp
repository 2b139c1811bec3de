// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/layer_graph.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::string_view to_string(layer_kind kind) {
  switch (kind) {
    case layer_kind::convolution: return "convolution";
    case layer_kind::depthwise: return "depthwise";
    case layer_kind::dense: return "dense";
    case layer_kind::batch_norm: return "batch_norm";
    case layer_kind::function: return "function";
    case layer_kind::threshold: return "threshold";
    case layer_kind::softmax: return "softmax";
    case layer_kind::scale: return "scale";
    case layer_kind::max_pool: return "max_pool";
    case layer_kind::average_pool: return "average_pool";
    case layer_kind::global_max: return "global_max";
    case layer_kind::global_mean: return "global_mean";
    case layer_kind::masked_mean: return "masked_mean";
    case layer_kind::add: return "add";
    case layer_kind::multiply: return "multiply";
    case layer_kind::join_channels: return "join_channels";
    case layer_kind::join_positions: return "join_positions";
    case layer_kind::place: return "place";
    case layer_kind::centre_to: return "centre_to";
    case layer_kind::flatten: return "flatten";
    case layer_kind::upsample: return "upsample";
    case layer_kind::reverse: return "reverse";
    case layer_kind::layer_norm: return "layer_norm";
    case layer_kind::softmax_pool: return "softmax_pool";
    case layer_kind::relative_attention: return "relative_attention";
    case layer_kind::middle: return "middle";
    case layer_kind::weigh_positions: return "weigh_positions";
    case layer_kind::project_positions: return "project_positions";
  }
  return "?";
}

namespace detail {

/// Values that an operation takes; -1: two or more.
[[nodiscard]] inline index_t input_count(layer_kind kind) {
  switch (kind) {
    case layer_kind::add:
    case layer_kind::multiply:
    case layer_kind::masked_mean:
    case layer_kind::softmax_pool:
    case layer_kind::centre_to: return 2;
    case layer_kind::relative_attention: return 3;
    case layer_kind::join_channels:
    case layer_kind::join_positions: return -1;
    default: return 1;
  }
}

[[nodiscard]] inline bool sizes_are_positive(const layer_node& node) {
  constexpr index_t most = index_t{1} << 31;
  for (const index_t size : {node.taps, node.dilation, node.stride, node.groups, node.factor,
                             node.window.size, node.window.stride}) {
    if (size < 1 || size > most) return false;
  }
  for (const index_t size : {node.before, node.after, node.window.before, node.window.after}) {
    if (size < -most || size > most) return false;
  }
  return node.outputs >= 0 && node.outputs <= most && node.constant_columns >= 0 &&
         node.constant_columns <= most;
}

/// Whether every window of a pooling sees a row that exists.
[[nodiscard]] inline bool sees_rows(const row_window& window) {
  return window.before >= 0 && window.before < window.size && window.after >= 0 && window.after < window.size;
}

/// Whether the constant of an operation is a matrix of `constant_columns`; kinds without one: yes.
[[nodiscard]] inline bool has_constant(const layer_node& node) {
  if (node.kind != layer_kind::weigh_positions && node.kind != layer_kind::project_positions) return true;
  return node.constant_columns >= 1 && !node.constant.empty() &&
         static_cast<index_t>(node.constant.size()) % node.constant_columns == 0;
}

/// Rows that a value may have: sums and products of them with sizes stay far below 2^63.
inline constexpr index_t most_value_rows = index_t{1} << 40;

[[nodiscard]] inline bool is_row_count(index_t rows) {
  return rows >= 1 && rows <= most_value_rows;
}

/// \throws error [dnalm.config.432] letters that are not A, C, G, T once each, or sizes out of range.
inline void check_sequence_input(const sequence_input& input, const std::string& where) {
  const auto refuse = [&](const std::string& expected, const std::string& found) {
    throw error(error_kind::config, 432, "an input that no sequence can be read into",
                {.where = where, .expected = expected, .found = found});
  };
  constexpr index_t most_channels = 4096;
  constexpr index_t most = index_t{1} << 31;
  std::string letters = input.letters;
  std::sort(letters.begin(), letters.end());
  if (letters != "ACGT") refuse("the letters A, C, G, T once each", input.letters);
  const bool own = input.unknown_letter == 'N' && input.channels > 4;
  if (input.unknown_letter != 0 && !own && letters.find(input.unknown_letter) == std::string::npos) {
    refuse("N read as A, C, G or T", std::string(1, input.unknown_letter));
  }
  if (input.channels < 4 || input.channels > most_channels) {
    refuse("4 to " + std::to_string(most_channels) + " channels", std::to_string(input.channels));
  }
  for (const index_t size : {input.length, input.before, input.after}) {
    if (size < 0 || size > most) refuse("0 to " + std::to_string(most) + " rows", std::to_string(size));
  }
}

/// Numbers that a weight of an operation has, or 0 where the kind has none.
[[nodiscard]] inline index_t weight_size(const layer_node& node, index_t channels) {
  switch (node.kind) {
    case layer_kind::convolution: {
      const bool composed = node.inner.taps > 0;
      const index_t inputs = composed ? node.inner.outputs : channels / node.groups;
      const index_t taps = composed ? node.taps - node.inner.taps + 1 : node.taps;
      return checked_mul(node.outputs, checked_mul(inputs, taps));
    }
    case layer_kind::dense: return checked_mul(node.outputs, channels);
    case layer_kind::depthwise: return checked_mul(channels, node.taps);
    case layer_kind::relative_attention:
    case layer_kind::weigh_positions: return checked_mul(channels, node.constant_columns);
    default: return 0;
  }
}

/// Whether what is composed into an operation fits it and the `channels` that it reads; without such: yes.
[[nodiscard]] inline bool fits_inner(const layer_node& node, index_t channels) {
  const inner_convolution& inner = node.inner;
  if (inner.taps == 0) return true;
  if (node.kind != layer_kind::convolution || node.groups != 1 || inner.taps < 1 || inner.taps > node.taps ||
      inner.outputs < 1) {
    return false;
  }
  const graph_tensor* weight = tensor_of(inner.tensors, layer_tensor::weight);
  const graph_tensor* bias = tensor_of(inner.tensors, layer_tensor::bias);
  const index_t size = checked_mul(inner.outputs, checked_mul(channels, inner.taps));
  return weight != nullptr && checked_size(weight->shape) == size &&
         (bias == nullptr || checked_size(bias->shape) == inner.outputs);
}

}  // namespace detail

DNALM_INLINE void graph_shapes::refuse(const layer_node& node, const std::string& expected,
                                       const std::string& found) const {
  throw error(
      error_kind::config, 432, "an operation of the network does not fit what it is given",
      {.where = graph_->architecture + ", " + std::string(to_string(node.kind)) + " '" + node.name + "'",
       .expected = expected,
       .found = found});
}

DNALM_INLINE graph_shapes::graph_shapes(const layer_graph& graph)
    : graph_(std::make_shared<const layer_graph>(graph)) {
  detail::check_sequence_input(graph.input, graph.architecture);
  channels_.push_back(graph.input.channels);
  const bool fixed = graph.input.length > 0;
  if (fixed) fixed_.push_back(graph.input.length);
  single_.push_back(graph.input.length == 1 ? 1 : 0);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const layer_node& node = graph.nodes[i];
    check_node(i);
    single_.push_back(node_is_single(node) ? 1 : 0);
    if (fixed) {
      fixed_.push_back(node_rows(node, fixed_));
      if (!detail::is_row_count(fixed_.back())) {
        refuse(node, "1 to " + std::to_string(detail::most_value_rows) + " rows",
               std::to_string(fixed_.back()) + " rows");
      }
    }
    channels_.push_back(node_channels(node));
    if (fixed && fixed_.back() == 1) single_.back() = 1;
  }
  for (index_t state = 1; state <= graph.states(); ++state) {
    const graph_result& result = graph.result(state);
    if (result.value >= 0 && result.value < static_cast<index_t>(channels_.size())) continue;
    throw error(error_kind::config, 432, "a result of the network that no operation makes",
                {.where = graph.architecture + ", " + result.name});
  }
  if (graph.outputs.empty()) {
    throw error(error_kind::config, 432, "a network without predictions", {.where = graph.architecture});
  }
  if (graph.outputs.front().value == 0) {
    throw error(error_kind::config, 432, "a network whose first prediction is its input",
                {.where = graph.architecture, .expected = "a value that an operation makes"});
  }
}

DNALM_INLINE void graph_shapes::check_node(std::size_t i) {
  const layer_node& node = graph_->nodes[i];
  const index_t count = detail::input_count(node.kind);
  const auto given = static_cast<index_t>(node.inputs.size());
  if (count < 0 ? given < 1 : given != count) refuse(node, "other inputs", std::to_string(given));
  for (const index_t value : node.inputs) {
    if (value < 0 || value > static_cast<index_t>(i)) refuse(node, "inputs that are made before", "none");
  }
  if (!detail::sizes_are_positive(node)) refuse(node, "sizes of at least 1", "others");
  if (!detail::sees_rows(node.window)) refuse(node, "fewer missing rows than a window has", "others");
  if (!detail::has_constant(node)) refuse(node, "a matrix of at least one column", "none");
  const index_t channels = channels_[static_cast<std::size_t>(node.inputs[0])];
  if (!detail::fits_inner(node, channels)) refuse(node, "an inner convolution that fits", "another");
  const index_t size = detail::weight_size(node, channels);
  const graph_tensor* weight = detail::tensor_of(node, layer_tensor::weight);
  if (size > 0 && weight == nullptr) refuse(node, "a weight", "none");
  if (size > 0 && detail::used_numbers(node, *weight) != size) {
    refuse(node, std::to_string(size) + " weights", std::to_string(detail::used_numbers(node, *weight)));
  }
  const index_t made =
      node.kind == layer_kind::convolution || node.kind == layer_kind::dense ? node.outputs : channels;
  for (const graph_tensor& tensor : node.tensors) {
    if (tensor.part == layer_tensor::weight || checked_size(tensor.shape) == made) continue;
    refuse(node, std::to_string(made) + " numbers in " + tensor.name,
           std::to_string(checked_size(tensor.shape)));
  }
}

DNALM_INLINE index_t graph_shapes::node_channels(const layer_node& node) const {
  const index_t channels = channels_[static_cast<std::size_t>(node.inputs[0])];
  index_t sum = 0;
  switch (node.kind) {
    case layer_kind::convolution:
      if (channels % node.groups != 0 || node.outputs % node.groups != 0) {
        refuse(node, "channels in " + std::to_string(node.groups) + " groups", std::to_string(channels));
      }
      [[fallthrough]];
    case layer_kind::dense:
      if (node.outputs < 1) refuse(node, "at least one channel", std::to_string(node.outputs));
      return node.outputs;
    case layer_kind::join_channels:
      for (const index_t value : node.inputs) {
        sum = checked_add(sum, channels_[static_cast<std::size_t>(value)]);
      }
      return sum;
    case layer_kind::relative_attention: {
      const index_t keys = channels_[static_cast<std::size_t>(node.inputs[1])];
      const index_t values = channels_[static_cast<std::size_t>(node.inputs[2])];
      if (keys != channels || keys % node.groups != 0 || values % node.groups != 0) {
        refuse(node, "q, k and v of " + std::to_string(node.groups) + " heads",
               std::to_string(channels) + ", " + std::to_string(keys) + " and " + std::to_string(values) +
                   " channels");
      }
      if (node.constant_columns < 6 || node.constant_columns % 6 != 0) {
        refuse(node, "a multiple of 6 features of a distance", std::to_string(node.constant_columns));
      }
      return values;
    }
    case layer_kind::add:
    case layer_kind::multiply:
    case layer_kind::softmax_pool:
    case layer_kind::join_positions:
      for (const index_t value : node.inputs) {
        const index_t other = channels_[static_cast<std::size_t>(value)];
        if (other != channels) refuse(node, std::to_string(channels) + " channels", std::to_string(other));
      }
      return channels;
    case layer_kind::flatten:
      if (single(node.inputs[0])) return channels;
      if (fixed_.empty()) refuse(node, "an input of fixed length", "any length");
      return checked_mul(channels, fixed_[static_cast<std::size_t>(node.inputs[0])]);
    default: return channels;
  }
}

DNALM_INLINE bool graph_shapes::node_is_single(const layer_node& node) const {
  switch (node.kind) {
    case layer_kind::global_max:
    case layer_kind::global_mean:
    case layer_kind::masked_mean:
    case layer_kind::flatten: return true;
    case layer_kind::convolution:
    case layer_kind::depthwise:
    case layer_kind::max_pool:
    case layer_kind::average_pool:
    case layer_kind::softmax_pool:
    case layer_kind::middle:
    case layer_kind::join_positions:
    case layer_kind::place:
    case layer_kind::upsample:
    case layer_kind::project_positions: return false;
    case layer_kind::centre_to: return single(node.inputs[1]);
    default: return single(node.inputs[0]);
  }
}

DNALM_INLINE index_t graph_shapes::node_rows(const layer_node& node, const std::vector<index_t>& rows) const {
  const index_t in = rows[static_cast<std::size_t>(node.inputs[0])];
  switch (node.kind) {
    case layer_kind::convolution:
    case layer_kind::depthwise: return detail::taps_of(node).output_rows(in, node.after);
    case layer_kind::max_pool:
    case layer_kind::average_pool: return node.window.output_rows(in);
    case layer_kind::softmax_pool:
      if (rows[static_cast<std::size_t>(node.inputs[1])] != in) return 0;
      return (in + node.window.size - 1) / node.window.size;
    case layer_kind::relative_attention:
      for (const index_t value : node.inputs) {
        if (rows[static_cast<std::size_t>(value)] != in) return 0;
      }
      return in;
    case layer_kind::middle: return in < node.factor ? 0 : in - (in - node.factor + 1) / 2 * 2;
    case layer_kind::global_max:
    case layer_kind::global_mean:
    case layer_kind::flatten: return 1;
    case layer_kind::masked_mean: return rows[static_cast<std::size_t>(node.inputs[1])] == in ? 1 : 0;
    case layer_kind::add:
    case layer_kind::multiply: {
      const index_t other = rows[static_cast<std::size_t>(node.inputs[1])];
      return other == in || single(node.inputs[1]) ? in : 0;
    }
    case layer_kind::join_channels:
      for (const index_t value : node.inputs) {
        if (rows[static_cast<std::size_t>(value)] != in) return 0;
      }
      return in;
    case layer_kind::join_positions: {
      index_t sum = 0;
      for (const index_t value : node.inputs) {
        sum = checked_add(sum, rows[static_cast<std::size_t>(value)]);
      }
      return sum;
    }
    case layer_kind::place:
      if (!node.window.same) return in + node.before + node.after;
      return std::max(in, (node.window.output_rows(in) - 1) * node.window.stride + node.window.size);
    case layer_kind::centre_to: {
      const index_t other = rows[static_cast<std::size_t>(node.inputs[1])];
      return other <= in ? other : 0;
    }
    case layer_kind::upsample:
      if (in > detail::most_value_rows / node.factor) return detail::most_value_rows + 1;
      return checked_mul(in, node.factor);
    case layer_kind::weigh_positions:
      return in == static_cast<index_t>(node.constant.size()) / node.constant_columns ? in : 0;
    case layer_kind::project_positions:
      return in == node.constant_columns && in > 0 ? static_cast<index_t>(node.constant.size()) / in : 0;
    default: return in;
  }
}

DNALM_INLINE void graph_shapes::rows(index_t tokens, std::vector<index_t>& rows,
                                     const std::string& where) const {
  const sequence_input& input = graph_->input;
  const bool shorter = input.shorter != short_sequence::refused;
  if (input.length > 0 && (tokens > input.length || (tokens < input.length && !shorter))) {
    throw error(error_kind::input, 433, "a sequence of a length that the network does not read",
                {.where = where,
                 .expected = (shorter ? "at most " : "") + std::to_string(input.length) + " bases",
                 .found = std::to_string(tokens)});
  }
  if (input.length > 0) {
    rows = fixed_;
    return;
  }
  const std::ptrdiff_t bad = find_rows(tokens, rows);
  if (bad < 0) return;
  const layer_node& node = graph_->nodes[static_cast<std::size_t>(bad)];
  throw error(error_kind::input, 433, "a sequence of a length that the network does not read",
              {.where = where,
               .expected = "another length: no rows are left for " + std::string(to_string(node.kind)) +
                           " '" + node.name + "', or too many, or values of different lengths meet there",
               .found = std::to_string(tokens) + " bases"});
}

DNALM_INLINE std::ptrdiff_t graph_shapes::find_rows(index_t tokens, std::vector<index_t>& rows) const {
  rows.assign(1, graph_->input.rows(tokens));
  if (rows.front() > detail::most_value_rows) return 0;
  for (std::size_t i = 0; i < graph_->nodes.size(); ++i) {
    rows.push_back(node_rows(graph_->nodes[i], rows));
    if (!detail::is_row_count(rows.back())) return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

DNALM_INLINE std::vector<index_t> graph_shapes::rows_near(index_t tokens) const {
  std::vector<index_t> rows = fixed_;
  if (!fixed_.empty()) {
    const index_t longest = *std::max_element(fixed_.begin(), fixed_.end());
    const index_t sequences = std::max<index_t>(tokens / longest + (tokens % longest != 0 ? 1 : 0), 1);
    for (index_t& value : rows) value = checked_mul(value, sequences);
    return rows;
  }
  for (index_t length = std::max<index_t>(tokens, 1); length <= detail::most_value_rows; length *= 2) {
    if (find_rows(length, rows) < 0) return rows;
  }
  return {};
}

DNALM_INLINE std::vector<index_t> layer_graph::seen_values() const {
  std::vector<index_t> values;
  for (index_t state = 1; state <= results(); ++state) values.push_back(result(state).value);
  for (std::size_t k = 0; k < linear.size(); ++k) {
    if (linear[k].value != outputs[k].value) values.push_back(linear[k].value);
  }
  return values;
}

DNALM_INLINE void layer_graph::complete() {
  predictions = graph_shapes(*this).channels(outputs.front().value);
}

DNALM_INLINE network_summary layer_graph::summary() const {
  return {.architecture = architecture,
          .layers = results(),
          .width = input.channels,
          .vocabulary = 5,
          .predictions = predictions,
          .linear_outputs = static_cast<index_t>(outputs.size()),
          .resizes = true,
          .table_limit = input.length,
          .initializer_range = initializer_range,
          .predicts_bases = predicts_bases};
}

DNALM_END_NAMESPACE
