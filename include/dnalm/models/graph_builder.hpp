// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Puts a layer_graph together, operation by operation; sizes come from the tensors of the file.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/tensor_info.hpp>
#include <dnalm/models/layer_graph.hpp>

DNALM_BEGIN_NAMESPACE

/// The names and shapes of a file's tensors.
class tensor_table {
 public:
  tensor_table(const std::vector<io::tensor_info>& tensors, std::string where);

  [[nodiscard]] bool contains(const std::string& name) const { return shapes_.contains(name); }
  /// \throws error [dnalm.config.410] there is no such tensor.
  [[nodiscard]] const std::vector<index_t>& shape(const std::string& name) const;
  /// Extent `axis` of a tensor. \throws as shape; error [dnalm.shape.412] it has fewer axes.
  [[nodiscard]] index_t extent(const std::string& name, std::size_t axis) const;
  [[nodiscard]] const std::string& where() const { return where_; }
  /// All names, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::map<std::string, std::vector<index_t>> shapes_;
  std::string where_;
};

/// How a convolution of PyTorch runs.
struct torch_convolution {
  index_t dilation = 1;
  index_t stride = 1;
  index_t groups = 1;
  index_t before = 0;  ///< rows of zeros before
  index_t after = 0;   ///< and behind
  bool same = false;   ///< as many rows as the input; `before` and `after` do not count
};

/// Makes a graph. Members take values and give the value they make; `name` is that of the operation for
/// people and, where it has tensors, what stands before `.weight` and `.bias` in the file.
class graph_builder {
 public:
  /// `tensors` must outlive the builder.
  graph_builder(std::string architecture, sequence_input input, const tensor_table& tensors)
      : tensors_(&tensors) {
    graph_.architecture = std::move(architecture);
    graph_.input = std::move(input);
  }

  /// The sequence as the network reads it.
  [[nodiscard]] static constexpr index_t input() { return 0; }

  /// A convolution of PyTorch, (out, in / groups, taps), or with an axis of length 1 beside the taps; with
  /// one input channel a group, as many groups as outputs, it is depthwise. A bias where the file has one.
  index_t convolution(index_t x, const std::string& name, const torch_convolution& how = {});
  /// A product of PyTorch, (out, in). A bias where the file has one.
  index_t dense(index_t x, const std::string& name);
  /// A batch norm of PyTorch: `.weight`, `.bias`, `.running_mean`, `.running_var`, all but the last two
  /// optional; `.num_batches_tracked` is left out.
  index_t batch_norm(index_t x, const std::string& name, double eps = 1e-5);
  /// A layer norm of PyTorch: `.weight`, `.bias`.
  index_t layer_norm(index_t x, const std::string& name, double eps = 1e-5);
  index_t function(index_t x, activation function);
  index_t relu(index_t x) { return function(x, activation::relu); }
  index_t threshold(index_t x, double threshold, double value);
  index_t softmax(index_t x) { return plain(layer_kind::softmax, {x}); }
  index_t scale(index_t x, double factor);
  index_t max_pool(index_t x, const row_window& window) { return pool(layer_kind::max_pool, x, window); }
  index_t average_pool(index_t x, const row_window& window) {
    return pool(layer_kind::average_pool, x, window);
  }
  index_t global_mean(index_t x) { return plain(layer_kind::global_mean, {x}); }
  index_t global_max(index_t x) { return plain(layer_kind::global_max, {x}); }
  index_t add(index_t a, index_t b) { return plain(layer_kind::add, {a, b}); }
  index_t multiply(index_t a, index_t b) { return plain(layer_kind::multiply, {a, b}); }
  index_t join_channels(std::vector<index_t> values) {
    return plain(layer_kind::join_channels, std::move(values));
  }
  index_t join_positions(std::vector<index_t> values) {
    return plain(layer_kind::join_positions, std::move(values));
  }
  /// Rows of zeros before and behind; negative: rows that are left out.
  index_t place(index_t x, index_t before, index_t after);
  /// The middle rows of x, as many as `like` has, which are not more; of an odd number of
  /// rows left out, the one more is in front.
  index_t centre_to(index_t x, index_t like) { return plain(layer_kind::centre_to, {x, like}); }
  /// All positions as one row: channel after channel (PyTorch) or row after row (Keras).
  index_t flatten(index_t x, bool by_channels);
  index_t upsample(index_t x, index_t factor);
  /// Positions and channels backwards: of the channels A, C, G, T or A, G, C, T the other strand.
  index_t reverse(index_t x) { return plain(layer_kind::reverse, {x}); }
  /// The (M, L) matrix, row-major, times the L positions.
  index_t project_positions(index_t x, std::vector<double> matrix, index_t columns);
  /// Any operation.
  index_t append(layer_node node);

  /// Names a value as the next layer; layers must be named in the order in which they are computed.
  void layer(std::string name, index_t value) { graph_.layers.push_back({std::move(name), value}); }
  /// Names a value as the next prediction.
  void output(std::string name, index_t value) { graph_.outputs.push_back({std::move(name), value}); }
  /// A tensor of the file that is not needed, when it is there.
  void unused(const std::string& name) {
    if (tensors_->contains(name)) graph_.unused.push_back(name);
  }
  /// Rows of a value where the input has a fixed length; 0: it has none. \throws as graph_shapes.
  [[nodiscard]] index_t fixed_rows(index_t value) const;
  /// Channels of a value. \throws as graph_shapes.
  [[nodiscard]] index_t channels(index_t value) const;
  /// Whether the only operation that reads a value is a batch norm, a function or a softmax, or adds it where
  /// it is a product: such a value costs more when it is a layer. A flattened value, too, is none of its own.
  [[nodiscard]] bool is_taken_up(index_t value) const;
  /// The graph, checked. \throws as graph_shapes.
  [[nodiscard]] layer_graph take();

 private:
  /// Shapes of the operations until now.
  [[nodiscard]] graph_shapes shapes() const;
  index_t plain(layer_kind kind, std::vector<index_t> inputs);
  index_t pool(layer_kind kind, index_t x, const row_window& window);
  [[nodiscard]] graph_tensor tensor(layer_tensor part, const std::string& name) const {
    return {part, name, tensors_->shape(name)};
  }
  void add_if_there(layer_node& node, layer_tensor part, const std::string& name) const {
    if (tensors_->contains(name)) node.tensors.push_back(tensor(part, name));
  }

  const tensor_table* tensors_;
  layer_graph graph_;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/graph_builder_impl.hpp>
#endif
