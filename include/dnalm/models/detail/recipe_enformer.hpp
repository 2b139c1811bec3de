// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Enformer: convolutions, attention pooling, blocks of relative attention, tracks of several species.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/detail/recipe_prefix.hpp>
#include <dnalm/models/recipe_source.hpp>
#include <dnalm/nn/relative_positions.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The densities of `tf_gammas.pt` beside the weights, one tensor (2T - 1, functions), or null where there is
/// no such file.
[[nodiscard]] inline std::shared_ptr<const gamma_table> read_enformer_gammas(
    const std::filesystem::path& weights, index_t functions) {
  const std::filesystem::path file = weights.parent_path() / "tf_gammas.pt";
  std::error_code failure;
  if (weights.parent_path().empty() || !std::filesystem::is_regular_file(file, failure)) return {};
  const io::checkpoint table = io::checkpoint::open(file);
  const std::vector<index_t> shape =
      table.tensors().size() == 1 ? table.tensors()[0].shape : decltype(shape){};
  if (shape.size() != 2 || shape[0] % 2 == 0 || shape[1] != functions) {
    throw error(error_kind::config, 449, "the table of gamma densities does not fit the network",
                {.where = file.string(),
                 .expected = "one tensor of an odd number of distances and " + std::to_string(functions) +
                             " functions",
                 .found = std::to_string(table.tensors().size()) + " tensors, the first " +
                          (table.tensors().empty() ? "none" : io::shape_text(table.tensors()[0].shape))});
  }
  table.check_finite(table.tensors()[0].name);
  gamma_table read;
  read.functions = functions;
  read.numbers.resize(static_cast<std::size_t>(checked_mul(shape[0], functions)));
  table.read(table.tensors()[0].name, std::span<double>(read.numbers));
  return std::make_shared<const gamma_table>(std::move(read));
}

/// Puts the parts of Enformer together; names are those of the PyTorch port.
class enformer_builder {
 public:
  explicit enformer_builder(const recipe_source& source)
      : source_(source),
        net_("Enformer", {}, source.tensors),
        port_(!source.config.flag("use_tf_gamma", true)) {}

  [[nodiscard]] graph_builder& net() { return net_; }

  /// conv(gelu(norm(x))), modules 0 and 2 of `name`.
  index_t block(index_t x, const std::string& name) {
    x = net_.function(net_.batch_norm(x, name + ".0"), activation::gelu_sigmoid);
    return net_.convolution(x, name + ".2", {.same = true});
  }
  index_t residual_block(index_t x, const std::string& name) { return net_.add(x, block(x, name)); }
  /// Two rows by weights that they bring; a last row alone stays.
  index_t pool(index_t x, const std::string& name) {
    layer_node node;
    node.kind = layer_kind::softmax_pool;
    node.name = name;
    node.inputs = {x, net_.convolution(x, name + ".to_attn_logits")};
    node.window = {2, 2};
    return net_.append(std::move(node));
  }
  /// x + attention(norm(x)), then x + dense(relu(dense(norm(x)))).
  index_t transformer(index_t x, const std::string& name) {
    const std::string first = name + ".0.fn.";
    x = net_.add(x, net_.dense(attention(net_.layer_norm(x, first + "0"), first + "1."), first + "1.to_out"));
    const std::string second = name + ".1.fn.";
    const index_t wide = net_.relu(net_.dense(net_.layer_norm(x, second + "0"), second + "1"));
    return net_.add(x, net_.dense(wide, second + "4"));
  }
  /// As many rows as target_length says from the middle; the same number, rounded up, is left out at each
  /// end.
  index_t crop(index_t x) {
    const index_t target = source_.config.size("target_length", -1, index_t{1} << 31, 896);
    if (target < 1) return x;
    layer_node node;
    node.kind = layer_kind::middle;
    node.name = "crop_final";
    node.inputs = {x};
    node.factor = target;
    return net_.append(std::move(node));
  }

 private:
  index_t attention(index_t x, const std::string& name) {
    layer_node node;
    node.kind = layer_kind::relative_attention;
    node.name = name + "attention";
    node.inputs = {net_.dense(x, name + "to_q"), net_.dense(x, name + "to_k"), net_.dense(x, name + "to_v")};
    node.tensors = {tensor(layer_tensor::weight, name + "to_rel_k.weight"),
                    tensor(layer_tensor::bias, name + "rel_content_bias"),
                    tensor(layer_tensor::position_bias, name + "rel_pos_bias")};
    node.groups = source_.tensors.extent(name + "rel_content_bias", 1);
    node.constant_columns = source_.tensors.extent(name + "to_rel_k.weight", 1);
    node.value = 1.0 / std::sqrt(static_cast<double>(source_.tensors.extent(name + "rel_content_bias", 3)));
    node.by_channels = port_;
    node.gammas = gammas(node.constant_columns / 6);
    return net_.append(std::move(node));
  }
  /// The layers share one table.
  [[nodiscard]] std::shared_ptr<const gamma_table> gammas(index_t functions) {
    if (!port_ && !gammas_read_) gammas_ = read_enformer_gammas(source_.tensors.where(), functions);
    gammas_read_ = true;
    return gammas_;
  }
  [[nodiscard]] graph_tensor tensor(layer_tensor part, const std::string& name) const {
    return {part, name, source_.tensors.shape(name)};
  }

  const recipe_source& source_;
  graph_builder net_;
  bool port_;  // the port's own gamma features
  bool gammas_read_ = false;
  std::shared_ptr<const gamma_table> gammas_;
};

/// The species that have a head, `human` first, others in the order of their names.
[[nodiscard]] inline std::vector<std::string> enformer_heads(const tensor_table& tensors) {
  const std::string before = "_heads.";
  const std::string behind = ".0.weight";
  std::vector<std::string> heads;
  for (const std::string& name : tensors.names()) {
    if (!name.starts_with(before) || !name.ends_with(behind)) continue;
    heads.push_back(name.substr(before.size(), name.size() - before.size() - behind.size()));
  }
  std::stable_partition(heads.begin(), heads.end(), [](const std::string& head) { return head == "human"; });
  return heads;
}

/// Enformer: any length (published: 196,608 bases), N zeros, 128 bases a row. Sizes from the tensors,
/// `target_length` of config.json (896; -1: nothing is cropped). Gamma features of distances by TensorFlow's
/// formula, exact, or by the port's own when config.json says `"use_tf_gamma": false`; sequences of the
/// length of a table in `tf_gammas.pt` beside the weights (1,536 positions) have that table's. Layers `stem`,
/// `conv_tower`, `transformer.<i>`, `embedding` (after final_pointwise); outputs the heads, `human` first.
/// Source: Avsec et al. 2021, lucidrains/enformer-pytorch. \throws error [dnalm.config.410] a missing tensor,
/// [dnalm.config.432] shapes that do not fit, [dnalm.config.449] a table that does not.
[[nodiscard]] inline layer_graph make_enformer(const recipe_source& source) {
  source.config.require_false("use_convnext");
  const tensor_table& tensors = source.tensors;
  enformer_builder parts(source);
  graph_builder& net = parts.net();
  index_t x = net.convolution(graph_builder::input(), "stem.0", {.same = true});
  x = parts.pool(parts.residual_block(x, "stem.1.fn"), "stem.2");
  net.layer("stem", x);
  for (int i = 0; tensors.contains("conv_tower." + std::to_string(i) + ".0.2.weight"); ++i) {
    const std::string name = "conv_tower." + std::to_string(i);
    x = parts.pool(parts.residual_block(parts.block(x, name + ".0"), name + ".1.fn"), name + ".2");
  }
  net.layer("conv_tower", x);
  for (int i = 0; tensors.contains("transformer." + std::to_string(i) + ".0.fn.0.weight"); ++i) {
    x = parts.transformer(x, "transformer." + std::to_string(i));
    net.layer("transformer." + std::to_string(i), x);
  }
  x = net.function(parts.block(parts.crop(x), "final_pointwise.1"), activation::gelu_sigmoid);
  net.layer("embedding", x);
  for (const std::string& head : enformer_heads(tensors)) {
    net.output(head, net.function(net.dense(x, "_heads." + head + ".0"), activation::softplus));
  }
  for (const std::string& name : tensors.names()) {
    if (name.starts_with("_trunk.")) net.unused(name);  // the same tensors once more
  }
  return with_biases(net.take(), tensors, {"to_attn_logits", "to_q", "to_k", "to_v"});
}

}  // namespace detail
DNALM_END_NAMESPACE
