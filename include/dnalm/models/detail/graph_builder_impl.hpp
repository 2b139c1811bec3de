// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/graph_builder.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/models/graph_builder.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE tensor_table::tensor_table(const std::vector<io::tensor_info>& tensors, std::string where)
    : where_(std::move(where)) {
  for (const io::tensor_info& info : tensors) shapes_.emplace(info.name, info.shape);
}

DNALM_INLINE const std::vector<index_t>& tensor_table::shape(const std::string& name) const {
  const auto found = shapes_.find(name);
  if (found != shapes_.end()) return found->second;
  throw error(error_kind::config, 410, "tensors that the configuration needs are missing",
              {.where = where_, .expected = name});
}

DNALM_INLINE index_t tensor_table::extent(const std::string& name, std::size_t axis) const {
  const std::vector<index_t>& all = shape(name);
  if (axis < all.size()) return all[axis];
  throw error(error_kind::shape, 412, "a tensor has another shape than the configuration says",
              {.where = where_ + ", tensor " + name,
               .expected = "at least " + std::to_string(axis + 1) + " axes",
               .found = io::shape_text(all)});
}

DNALM_INLINE std::vector<std::string> tensor_table::names() const {
  std::vector<std::string> all;
  for (const auto& [name, shape] : shapes_) all.push_back(name);
  return all;
}

DNALM_INLINE index_t graph_builder::append(layer_node node) {
  if (node.name.empty()) node.name = std::to_string(graph_.nodes.size() + 1);
  graph_.nodes.push_back(std::move(node));
  return static_cast<index_t>(graph_.nodes.size());
}

DNALM_INLINE index_t graph_builder::plain(layer_kind kind, std::vector<index_t> inputs) {
  layer_node node;
  node.kind = kind;
  node.inputs = std::move(inputs);
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::pool(layer_kind kind, index_t x, const row_window& window) {
  layer_node node;
  node.kind = kind;
  node.inputs = {x};
  node.window = window;
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::convolution(index_t x, const std::string& name,
                                                const torch_convolution& how) {
  layer_node node;
  node.kind = layer_kind::convolution;
  node.name = name;
  node.inputs = {x};
  const std::string weight = name + ".weight";
  node.outputs = tensors_->extent(weight, 0);
  node.taps = tensors_->extent(weight, 2);
  if (tensors_->shape(weight).size() == 4 && node.taps == 1) node.taps = tensors_->extent(weight, 3);
  node.groups = how.groups;
  if (how.groups > 1 && how.groups == node.outputs && tensors_->extent(weight, 1) == 1) {
    node.kind = layer_kind::depthwise;
    node.groups = 1;
  }
  node.dilation = how.dilation;
  node.stride = how.stride;
  const index_t spread = checked_mul(std::max<index_t>(node.taps, 1) - 1, how.dilation);
  node.before = how.same ? spread / 2 : how.before;
  node.after = how.same ? spread - spread / 2 : how.after;
  node.tensors = {tensor(layer_tensor::weight, weight)};
  add_if_there(node, layer_tensor::bias, name + ".bias");
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::dense(index_t x, const std::string& name) {
  layer_node node;
  node.kind = layer_kind::dense;
  node.name = name;
  node.inputs = {x};
  node.outputs = tensors_->extent(name + ".weight", 0);
  node.tensors = {tensor(layer_tensor::weight, name + ".weight")};
  add_if_there(node, layer_tensor::bias, name + ".bias");
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::batch_norm(index_t x, const std::string& name, double eps) {
  layer_node node;
  node.kind = layer_kind::batch_norm;
  node.name = name;
  node.inputs = {x};
  node.eps = eps;
  node.tensors = {tensor(layer_tensor::mean, name + ".running_mean"),
                  tensor(layer_tensor::variance, name + ".running_var")};
  add_if_there(node, layer_tensor::gamma, name + ".weight");
  add_if_there(node, layer_tensor::beta, name + ".bias");
  unused(name + ".num_batches_tracked");
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::layer_norm(index_t x, const std::string& name, double eps) {
  layer_node node;
  node.kind = layer_kind::layer_norm;
  node.name = name;
  node.inputs = {x};
  node.eps = eps;
  node.tensors = {tensor(layer_tensor::gamma, name + ".weight"), tensor(layer_tensor::beta, name + ".bias")};
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::function(index_t x, activation function) {
  layer_node node;
  node.kind = layer_kind::function;
  node.inputs = {x};
  node.apply = function;
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::threshold(index_t x, double threshold, double value) {
  layer_node node;
  node.kind = layer_kind::threshold;
  node.inputs = {x};
  node.threshold = threshold;
  node.value = value;
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::scale(index_t x, double factor) {
  layer_node node;
  node.kind = layer_kind::scale;
  node.inputs = {x};
  node.value = factor;
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::place(index_t x, index_t before, index_t after) {
  layer_node node;
  node.kind = layer_kind::place;
  node.inputs = {x};
  node.before = before;
  node.after = after;
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::flatten(index_t x, bool by_channels) {
  layer_node node;
  node.kind = layer_kind::flatten;
  node.inputs = {x};
  node.by_channels = by_channels;
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::upsample(index_t x, index_t factor) {
  layer_node node;
  node.kind = layer_kind::upsample;
  node.inputs = {x};
  node.factor = factor;
  return append(std::move(node));
}

DNALM_INLINE index_t graph_builder::project_positions(index_t x, std::vector<double> matrix,
                                                      index_t columns) {
  layer_node node;
  node.kind = layer_kind::project_positions;
  node.inputs = {x};
  node.constant = std::move(matrix);
  node.constant_columns = columns;
  return append(std::move(node));
}

DNALM_INLINE graph_shapes graph_builder::shapes() const {
  layer_graph until = graph_;
  until.layers.clear();
  until.outputs = {{"", static_cast<index_t>(graph_.nodes.size())}};
  return graph_shapes(until);
}

DNALM_INLINE index_t graph_builder::channels(index_t value) const {
  return value == 0 ? graph_.input.channels : shapes().channels(value);
}

DNALM_INLINE index_t graph_builder::fixed_rows(index_t value) const {
  if (value == 0 || graph_.input.length == 0) return graph_.input.length;
  std::vector<index_t> rows;
  shapes().rows(graph_.input.length, rows, graph_.architecture);
  return rows[static_cast<std::size_t>(value)];
}

DNALM_INLINE bool graph_builder::is_taken_up(index_t value) const {
  const auto kind_of_value = [&](index_t v) {
    return v == 0 ? layer_kind::place : graph_.nodes[static_cast<std::size_t>(v - 1)].kind;
  };
  const layer_kind kind = kind_of_value(value);
  if (kind == layer_kind::flatten) return true;
  index_t uses = 0;
  layer_kind reader = kind;
  for (const layer_node& node : graph_.nodes) {
    for (const index_t input : node.inputs) {
      if (input != value) continue;
      ++uses;
      reader = node.kind;
    }
  }
  if (uses != 1) return false;
  const bool product = kind == layer_kind::convolution || kind == layer_kind::dense;
  return reader == layer_kind::batch_norm || reader == layer_kind::function ||
         reader == layer_kind::softmax || (reader == layer_kind::add && product);
}

DNALM_INLINE layer_graph graph_builder::take() {
  graph_.complete();
  return std::move(graph_);
}

DNALM_END_NAMESPACE
