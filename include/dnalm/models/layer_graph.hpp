// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The description of a network of layers: its input, its operations in order, its tensors by name,
/// and what of it has a name. layer_network runs it.
///
/// A value is a matrix of positions x channels for every sequence. Value 0 is the input; operation i makes
/// value i + 1 of values before it. docs/layer_graphs.md lists the operations and says how an architecture is
/// added.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/backend/activation.hpp>
#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/row_placement.hpp>
#include <dnalm/backend/row_window.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/network_summary.hpp>
#include <dnalm/models/sequence_input.hpp>

DNALM_BEGIN_NAMESPACE

struct gamma_table;

/// What an operation does.
enum class layer_kind {
  convolution,         ///< along positions; weight, bias
  depthwise,           ///< a convolution of every channel by itself; weight, bias
  dense,               ///< of the channels of each position; weight, bias
  batch_norm,          ///< gamma, beta, mean, variance, eps
  function,            ///< an activation
  threshold,           ///< x where it is above `threshold`, else `value`
  softmax,             ///< over the channels of each position
  scale,               ///< times `value`
  max_pool,            ///< windows
  average_pool,        ///< windows
  global_max,          ///< over all positions of a sequence: one row
  global_mean,         ///< over all positions of a sequence: one row
  masked_mean,         ///< of inputs[0], weighted by the largest channel of inputs[1]: one row
  add,                 ///< of two values; the second may have one row a sequence
  multiply,            ///< of two values; the second may have one row a sequence
  join_channels,       ///< beside each other
  join_positions,      ///< below each other
  place,               ///< crop (negative numbers) or rows of zeros before and behind; `window.same`: those
                       ///< that the windows of Keras' `same` lack, one more behind where they are odd
  centre_to,           ///< the middle rows of inputs[0], as many as inputs[1] has; never more than there are
  flatten,             ///< all positions into one row
  upsample,            ///< every row `factor` times
  reverse,             ///< positions and channels backwards: the other strand
  weigh_positions,     ///< times 1 + constant weight (+ bias), by position and channel
  layer_norm,          ///< over the channels of each position; gamma, beta, eps
  softmax_pool,        ///< of inputs[0] by `window.size` rows, weighed by the softmax of inputs[1] over them
  relative_attention,  ///< of q, k, v (inputs); `groups` heads, `value` the scale of q, keys of distances:
                       ///< weight (channels, constant_columns) of relative_position_features (`by_channels`:
                       ///< scaled by functions; `gammas`), bias, position_bias
  middle,              ///< the middle rows, `factor` or one fewer: as many left out behind as before
  project_positions    ///< constant (M, L) times the positions
};

[[nodiscard]] std::string_view to_string(layer_kind kind);

/// How the numbers of a weight lie in its file. Names are those of the axes.
enum class weight_layout {
  out_in_taps,  ///< PyTorch's convolution, also (out, in, 1, taps); dense (out, in)
  taps_in_out,  ///< Keras' convolution; dense (in, out)
  taps_in_one,  ///< Keras' depthwise kernel (taps, channels, 1); PyTorch's (channels, 1, taps) is out_in_taps
  strands,  ///< as out_in_taps; what is used, of the bias too, is the mean of the tensor and of itself with
            ///< all axes backwards: both strands alike
  strand_letters  ///< dense: a table (6, out) of A, C, G, T, N and a letter that is not used; the mean of the
                  ///< row and of the complement's row backwards
};

/// What a tensor is to an operation.
enum class layer_tensor { weight, bias, gamma, beta, mean, variance, position_bias };

/// A tensor of the file that an operation reads.
struct graph_tensor {
  layer_tensor part = layer_tensor::weight;
  std::string name = {};
  std::vector<index_t> shape = {};  ///< as in the file
};

/// A convolution that is run in one with the one behind it (detail/composed_convolutions.hpp).
struct inner_convolution {
  std::vector<graph_tensor> tensors = {};  ///< weight, bias
  weight_layout layout = weight_layout::out_in_taps;
  index_t outputs = 0;
  index_t taps = 0;  ///< 0: there is none
};

/// One operation. Fields that its kind does not name are not looked at.
struct layer_node {
  layer_kind kind = layer_kind::function;
  std::string name = {};             ///< for people and errors
  std::vector<index_t> inputs = {};  ///< values
  std::vector<graph_tensor> tensors = {};
  weight_layout layout = weight_layout::out_in_taps;
  index_t outputs = 0;  ///< channels of convolution and dense
  index_t groups = 1;   ///< of a convolution
  index_t taps = 1;
  index_t dilation = 1;
  index_t stride = 1;
  index_t before = 0;  ///< rows of zeros before a sequence (convolution, place)
  index_t after = 0;   ///< and behind it
  double eps = 0.0;    ///< of batch_norm
  activation apply = activation::none;
  double threshold = 0.0;
  double value = 0.0;  ///< of threshold and scale
  row_window window = {};
  bool by_channels = false;  ///< of flatten: channel after channel (PyTorch), not row after row (Keras)
  index_t factor = 1;        ///< of upsample
  std::vector<double> constant = {};  ///< of weigh_positions (L, n) and project_positions (M, L), row-major
  index_t constant_columns = 0;
  inner_convolution inner = {};  ///< of a convolution: `taps` are those of both as one
  std::shared_ptr<const gamma_table> gammas =
      {};  ///< of relative_attention: densities of one length, or null
};

namespace detail {

/// Of a convolution.
[[nodiscard]] inline convolution_taps taps_of(const layer_node& node) {
  return {node.taps, node.dilation, node.before, node.stride};
}

/// That of some tensors which is a part, or null.
[[nodiscard]] inline const graph_tensor* tensor_of(const std::vector<graph_tensor>& tensors,
                                                   layer_tensor part) {
  for (const graph_tensor& tensor : tensors) {
    if (tensor.part == part) return &tensor;
  }
  return nullptr;
}
/// A tensor of the node, or null.
[[nodiscard]] inline const graph_tensor* tensor_of(const layer_node& node, layer_tensor part) {
  return tensor_of(node.tensors, part);
}

/// Numbers that an operation uses of its weight.
[[nodiscard]] inline index_t used_numbers(const layer_node& node, const graph_tensor& weight) {
  if (node.layout != weight_layout::strand_letters) return checked_size(weight.shape);
  const bool letters = weight.shape.size() == 2 && weight.shape[0] == 6;
  return letters ? checked_mul(5, weight.shape[1]) : 0;
}

}  // namespace detail

/// A value with a name: a layer of embeddings, or a prediction.
struct graph_result {
  std::string name = {};
  index_t value = 0;
};

/// A network of layers.
struct layer_graph {
  std::string architecture = {};  ///< for people: `SpliceAI`
  /// Whether a row of the first output is the log-weights of A, C, G, T of one base, and the rows are those
  /// of the sequence's bases but as many at each end: it is a language model without a mask.
  bool predicts_bases = false;
  sequence_input input = {};
  std::vector<layer_node> nodes = {};
  std::vector<graph_result> layers = {};   ///< hidden states 1, 2, ...; 0 is the sequence's one-hot rows
  std::vector<graph_result> outputs = {};  ///< predictions: hidden states behind `layers`, the first also the
                                           ///< logits
  /// Of the network's own graph, for each output the value that its last map is applied to, or the output
  /// itself (detail/linear_outputs.hpp): hidden states behind all others, which forward does not hand out.
  std::vector<graph_result> linear = {};
  std::vector<std::string> unused = {};  ///< tensors that the files carry and the graph does not need
  index_t predictions = 0;               ///< channels of the first output (complete() fills it in)
  double initializer_range = 0.05;       ///< of a random twin's matrices

  /// Layers, then outputs, then `linear`; `state` from 1 on.
  [[nodiscard]] const graph_result& result(index_t state) const {
    auto at = static_cast<std::size_t>(state - 1);
    if (at < layers.size()) return layers[at];
    at -= layers.size();
    return at < outputs.size() ? outputs[at] : linear[at - outputs.size()];
  }
  [[nodiscard]] index_t results() const { return static_cast<index_t>(layers.size() + outputs.size()); }
  /// Results and `linear`.
  [[nodiscard]] index_t states() const { return results() + static_cast<index_t>(linear.size()); }
  /// The value of each result, and of each of `linear` that is no output.
  [[nodiscard]] std::vector<index_t> seen_values() const;
  /// Checks the graph and fills in `predictions`: the last step of a recipe. \throws as graph_shapes.
  void complete();
  [[nodiscard]] network_summary summary() const;
};

/// Channels of every value, and its rows for a sequence of so many tokens.
class graph_shapes {
 public:
  /// Checks the whole description: an input that can be read, inputs that exist, sizes that fit, windows that
  /// see rows, at least one output, the first of them not the input itself. \throws error
  /// [dnalm.config.432] operations that do not fit together (names the operation).
  explicit graph_shapes(const layer_graph& graph);

  [[nodiscard]] index_t channels(index_t value) const { return channels_[static_cast<std::size_t>(value)]; }
  /// Whether a value has one row for every sequence, whatever its length.
  [[nodiscard]] bool single(index_t value) const { return single_[static_cast<std::size_t>(value)] != 0; }
  /// Rows of all values for a sequence of `tokens`. \throws error [dnalm.input.433] the network's fixed
  /// length does not allow so many tokens, or a value would have no rows, or two that are added have
  /// different ones; `where` names the sequence.
  void rows(index_t tokens, std::vector<index_t>& rows, const std::string& where) const;
  /// The same for the first length of `tokens`, twice, four times, ... that the network reads: for estimates
  /// of memory. Of a fixed length those of as many sequences as have `tokens` rows in their longest value,
  /// rounded up. Empty: no length is read.
  [[nodiscard]] std::vector<index_t> rows_near(index_t tokens) const;

 private:
  /// The first operation that nothing is left for, -1: none.
  [[nodiscard]] std::ptrdiff_t find_rows(index_t tokens, std::vector<index_t>& rows) const;
  void check_node(std::size_t i);
  [[nodiscard]] index_t node_channels(const layer_node& node) const;
  [[nodiscard]] bool node_is_single(const layer_node& node) const;
  [[nodiscard]] index_t node_rows(const layer_node& node, const std::vector<index_t>& rows) const;
  [[noreturn]] void refuse(const layer_node& node, const std::string& expected,
                           const std::string& found) const;

  std::shared_ptr<const layer_graph> graph_;
  std::vector<index_t> channels_;
  std::vector<char> single_;
  std::vector<index_t> fixed_;  // rows of every value where the length is fixed
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/layer_graph_impl.hpp>
#endif
