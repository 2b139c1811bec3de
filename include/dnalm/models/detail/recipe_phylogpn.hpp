// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief PhyloGPN: blocks of dilated convolutions whose weights are the means of both strands.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/recipe_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Puts the parts of PhyloGPN together; `<name>.parametrizations.weight.original` and `.bias.original` are
/// the free numbers, of which the weights are the means of both strands.
class phylogpn_builder {
 public:
  explicit phylogpn_builder(const recipe_source& source)
      : source_(source),
        prefix_(source.tensors.contains("_model." + original("embedding", "weight")) ? "_model." : ""),
        net_("PhyloGPN", {.channels = 5, .unknown_letter = 'N'}, source.tensors) {}

  [[nodiscard]] graph_builder& net() { return net_; }
  [[nodiscard]] bool has_block(int i) const {
    return source_.tensors.contains(prefix_ + original(block_name(i) + ".conv1", "weight"));
  }
  /// The rows of A, C, G, T and N.
  index_t letters() {
    layer_node node;
    node.kind = layer_kind::dense;
    node.name = "embedding";
    node.inputs = {graph_builder::input()};
    node.layout = weight_layout::strand_letters;
    node.tensors = {tensor(layer_tensor::weight, original("embedding", "weight"))};
    node.outputs = source_.tensors.extent(node.tensors[0].name, 1);
    return net_.append(std::move(node));
  }
  /// x without its outer rows + conv3(f(conv2(f(conv1(f(x)))))), f(x) = gelu(norm(x)).
  index_t block(index_t x, int i) {
    const std::string name = block_name(i);
    const index_t dilation = dilation_of(i);
    require_taps(name);
    const index_t outer = checked_mul(taps(name + ".conv2") - 1, dilation) / 2;
    const index_t rest = net_.place(x, -outer, -outer);
    index_t y = convolution(active(norm(x, name + ".layer_norm1")), name + ".conv1", 1);
    y = convolution(active(norm(y, name + ".layer_norm2")), name + ".conv2", dilation);
    y = convolution(active(norm(y, name + ".layer_norm3")), name + ".conv3", 1);
    return net_.add(rest, y);
  }
  index_t norm(index_t x, const std::string& name) { return net_.layer_norm(x, prefix_ + name); }
  index_t active(index_t x) { return net_.function(x, activation::gelu_erf); }
  index_t convolution(index_t x, const std::string& name, index_t dilation) {
    layer_node node;
    node.kind = layer_kind::convolution;
    node.name = name;
    node.inputs = {x};
    node.layout = weight_layout::strands;
    node.tensors = {tensor(layer_tensor::weight, original(name, "weight")),
                    tensor(layer_tensor::bias, original(name, "bias"))};
    node.outputs = source_.tensors.extent(node.tensors[0].name, 0);
    node.taps = taps(name);
    node.dilation = dilation;
    return net_.append(std::move(node));
  }

 private:
  /// A block's rows fit what it adds them to.
  void require_taps(const std::string& name) const {
    const bool single = taps(name + ".conv1") == 1 && taps(name + ".conv3") == 1;
    if (single && taps(name + ".conv2") % 2 == 1) return;
    throw error(
        error_kind::config, 432, "convolutions of a block that do not fit together",
        {.where = source_.tensors.where() + ", " + name,
         .expected = "one tap, an odd number of taps, one tap",
         .found = std::to_string(taps(name + ".conv1")) + ", " + std::to_string(taps(name + ".conv2")) +
                  ", " + std::to_string(taps(name + ".conv3"))});
  }
  [[nodiscard]] static std::string block_name(int i) { return "blocks." + std::to_string(i); }
  [[nodiscard]] static std::string original(const std::string& name, const std::string& part) {
    return name + ".parametrizations." + part + ".original";
  }
  [[nodiscard]] graph_tensor tensor(layer_tensor part, const std::string& name) const {
    return {part, prefix_ + name, source_.tensors.shape(prefix_ + name)};
  }
  [[nodiscard]] index_t taps(const std::string& name) const {
    return source_.tensors.extent(prefix_ + original(name, "weight"), 2);
  }
  /// 1, k, k^2, ... of kernels of k taps, `stack_size` of them, again and again.
  [[nodiscard]] index_t dilation_of(int i) const {
    const index_t stack = source_.config.size("stack_size", 1, 16, 2);
    const index_t kernel = taps(block_name(i) + ".conv2");
    index_t dilation = 1;
    for (index_t k = 0; k < i % stack; ++k) dilation = checked_mul(dilation, kernel);
    return dilation;
  }

  const recipe_source& source_;
  std::string prefix_;
  graph_builder net_;
};

/// PhyloGPN: A, C, G, T and N, any length from 481 bases on (as published); nothing is put around a sequence,
/// so that rows are bases 240 to length - 241. Sizes from the tensors, `stack_size` of config.json (2).
/// Layers `blocks.<i>`, `embedding` (after the last norm); output `logits` of A, C, G, T: ln of the rates at
/// which the base changes to each (Felsenstein 1981), whose softmax is the stationary distribution. Source:
/// Albors et al. 2025, songlab-cal/gpn. \throws error [dnalm.config.410] a missing tensor, [dnalm.config.432]
/// shapes that do not fit, [dnalm.shape.412] tensors of too few axes, [dnalm.config.403] `num_stacks` other
/// than the blocks.
[[nodiscard]] inline layer_graph make_phylogpn(const recipe_source& source) {
  phylogpn_builder parts(source);
  graph_builder& net = parts.net();
  index_t x = parts.letters();
  int blocks = 0;
  for (; parts.has_block(blocks); ++blocks) {
    x = parts.block(x, blocks);
    net.layer("blocks." + std::to_string(blocks), x);
  }
  const index_t stack = source.config.size("stack_size", 1, 16, 2);
  if (source.config.contains("num_stacks") &&
      checked_mul(source.config.size("num_stacks", 1, 4096), stack) != blocks) {
    source.config.contradiction("num_stacks x stack_size blocks", std::to_string(blocks) + " in the weights");
  }
  x = parts.norm(x, "output_layer_norm");
  net.layer("embedding", x);
  net.output("logits", parts.convolution(parts.active(x), "output_conv", 1));
  layer_graph graph = net.take();
  graph.predicts_bases = true;
  return graph;
}

}  // namespace detail
DNALM_END_NAMESPACE
