// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief SpliceAI: dilated residual blocks, their sums of 1 x 1 convolutions, probabilities of acceptor and
/// donor at every base (Jaganathan et al. 2019; Illumina/SpliceAI).
///
/// The tensors have Keras' names, `conv1d_<i>/kernel`, `batch_normalization_<i>/gamma`, ..., as an npz of
/// them has (`moving_var`), or as a file that was converted from .h5 (`<layer>/<layer>/kernel:0`). Layers are
/// numbered as they were made: 1 the first convolution, 2 the first skip, then for every group of four blocks
/// eight convolutions and a skip, at last the output; batch norms stand before each convolution of a block.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/recipe_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Makes the operations of a Keras network whose structure is known.
class spliceai_builder {
 public:
  spliceai_builder(const recipe_source& source, sequence_input input)
      : tensors_(source.tensors), graph_("SpliceAI", std::move(input), source.tensors) {}

  [[nodiscard]] graph_builder& graph() { return graph_; }

  /// Convolution number `i`.
  index_t convolution(index_t x, index_t i, index_t dilation) {
    layer_node node;
    node.kind = layer_kind::convolution;
    node.name = "conv1d_" + std::to_string(i);
    node.inputs = {x};
    node.layout = weight_layout::taps_in_out;
    const std::string kernel = name_of(node.name, "kernel");
    node.taps = tensors_.extent(kernel, 0);
    node.outputs = tensors_.extent(kernel, 2);
    node.dilation = dilation;
    const index_t spread = checked_mul(std::max<index_t>(node.taps, 1) - 1, dilation);
    node.before = spread / 2;
    node.after = spread - spread / 2;
    node.tensors = {part(layer_tensor::weight, kernel), part(layer_tensor::bias, name_of(node.name, "bias"))};
    return graph_.append(std::move(node));
  }
  /// x + conv(relu(norm(conv(relu(norm(x)))))), its batch norms and convolutions from these numbers on.
  index_t block(index_t x, index_t norm, index_t convolution_number, index_t dilation) {
    index_t y = convolution(graph_.relu(batch_norm(x, norm)), convolution_number, dilation);
    y = convolution(graph_.relu(batch_norm(y, norm + 1)), convolution_number + 1, dilation);
    return graph_.add(x, y);
  }
  /// Whether convolution `i` is there.
  [[nodiscard]] bool has(index_t i) const {
    const std::string layer = "conv1d_" + std::to_string(i);
    return tensors_.contains(layer + "/kernel") || tensors_.contains(layer + "/" + layer + "/kernel:0");
  }

 private:
  index_t batch_norm(index_t x, index_t i) {
    layer_node node;
    node.kind = layer_kind::batch_norm;
    node.name = "batch_normalization_" + std::to_string(i);
    node.inputs = {x};
    node.eps = 1e-3;
    const bool shortened = tensors_.contains(node.name + "/moving_var");
    node.tensors = {
        part(layer_tensor::gamma, name_of(node.name, "gamma")),
        part(layer_tensor::beta, name_of(node.name, "beta")),
        part(layer_tensor::mean, name_of(node.name, "moving_mean")),
        part(layer_tensor::variance, name_of(node.name, shortened ? "moving_var" : "moving_variance"))};
    return graph_.append(std::move(node));
  }
  [[nodiscard]] std::string name_of(const std::string& layer, const std::string& weight) const {
    const std::string plain = layer + "/" + weight;
    return tensors_.contains(plain) ? plain : layer + "/" + layer + "/" + weight + ":0";
  }
  [[nodiscard]] graph_tensor part(layer_tensor which, const std::string& name) const {
    return {which, name, tensors_.shape(name)};
  }

  const tensor_table& tensors_;
  graph_builder graph_;
};

/// Dilations of the groups of four blocks.
[[nodiscard]] inline std::vector<index_t> spliceai_dilations(const config_reader& config,
                                                             const spliceai_builder& builder) {
  constexpr index_t most = 4096;
  std::vector<index_t> dilations = config.sizes("dilations", 1, most);
  if (dilations.empty()) {
    for (const index_t usual : {index_t{1}, index_t{4}, index_t{10}, index_t{25}}) {
      if (builder.has(9 * static_cast<index_t>(dilations.size()) + 11)) dilations.push_back(usual);
    }
  }
  const auto groups = static_cast<index_t>(dilations.size());
  if (groups > 0 && builder.has(9 * groups + 3) && !builder.has(9 * groups + 4)) return dilations;
  config.contradiction("as many dilations as groups of four blocks", std::to_string(groups) + " dilations");
}

/// Bases on either side that a prediction depends on.
[[nodiscard]] inline index_t spliceai_flank(const recipe_source& source,
                                            const std::vector<index_t>& dilations) {
  index_t sum = 0;
  for (std::size_t group = 0; group < dilations.size(); ++group) {
    const std::string layer = "conv1d_" + std::to_string(9 * group + 3);
    const std::string plain = layer + "/kernel";
    const index_t taps =
        source.tensors.extent(source.tensors.contains(plain) ? plain : layer + "/" + layer + "/kernel:0", 0);
    sum = checked_add(sum, checked_mul(4 * dilations[group], std::max<index_t>(taps, 1) - 1));
  }
  return sum;
}

/// `flanks` in config.json: `unknown` (the default) puts F rows of zeros before and behind a sequence, F
/// bases being what a prediction sees on either side; `sequence`: the first and last F bases of the sequence
/// are its flanks, and rows are those between.
[[nodiscard]] inline layer_graph make_spliceai(const recipe_source& source) {
  const std::string flanks = source.config.text("flanks", "unknown");
  if (flanks != "unknown" && flanks != "sequence") {
    source.config.unsupported("flanks", "\"unknown\" or \"sequence\"", "\"" + flanks + "\"");
  }
  const std::vector<index_t> dilations =
      spliceai_dilations(source.config, spliceai_builder(source, sequence_input{}));
  const index_t flank = spliceai_flank(source, dilations);
  sequence_input input;
  if (flanks == "unknown") input.before = input.after = flank;
  spliceai_builder builder(source, input);
  graph_builder& graph = builder.graph();
  index_t x = builder.convolution(graph_builder::input(), 1, 1);
  index_t skip = builder.convolution(x, 2, 1);
  for (std::size_t group = 0; group < dilations.size(); ++group) {
    const auto g = static_cast<index_t>(group);
    for (index_t b = 0; b < 4; ++b)
      x = builder.block(x, 8 * g + 2 * b + 1, 9 * g + 2 * b + 3, dilations[group]);
    skip = graph.add(skip, builder.convolution(x, 9 * g + 11, 1));
    graph.layer("blocks_" + std::to_string(4 * (g + 1)), graph.place(x, -flank, -flank));
  }
  const index_t kept = graph.place(skip, -flank, -flank);
  graph.layer("skip", kept);
  const index_t logits = builder.convolution(kept, 9 * static_cast<index_t>(dilations.size()) + 3, 1);
  graph.output("neither, acceptor, donor", graph.softmax(logits));
  return graph.take();
}

}  // namespace detail
DNALM_END_NAMESPACE
