// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sei: its trunk, the splines over positions, its classifier.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/detail/recipe_prefix.hpp>
#include <dnalm/models/recipe_source.hpp>
#include <dnalm/nn/spline_basis.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Two convolutions of the same length after each other, modules `first` and `second` of a sequence, and a
/// function behind each.
inline index_t sei_pair(graph_builder& net, index_t x, const std::string& name, int first, int second,
                        activation function) {
  for (const int module : {first, second}) {
    x = net.convolution(x, name + "." + std::to_string(module), {.same = true});
    if (function != activation::none) x = net.function(x, function);
  }
  return x;
}

/// S^T x over `positions`, (16, channels). S as the published code has it: numbers of type float.
inline index_t sei_spline(graph_builder& net, index_t x, index_t positions) {
  constexpr index_t functions = 16;
  const matrix<double> basis = spline_basis(positions, functions);
  std::vector<double> transposed;
  for (index_t i = 0; i < functions; ++i) {
    for (index_t r = 0; r < positions; ++r) {
      transposed.push_back(static_cast<double>(static_cast<float>(basis(r, i))));
    }
  }
  return net.project_positions(x, std::move(transposed), positions);
}

/// The trunk's last value, (positions / 16, channels); names its layers.
inline index_t sei_trunk(graph_builder& net, const std::string& prefix) {
  const auto stage = [&](index_t x, int number, int first, int second) {
    const std::string name = std::to_string(number);
    const index_t a = sei_pair(net, x, prefix + "lconv" + name, first, first + 1, activation::none);
    const index_t b = sei_pair(net, a, prefix + "conv" + name, second, second + 2, activation::relu);
    net.layer("conv" + name, b);
    return std::pair{a, b};
  };
  const row_window fours{4, 4};
  const auto [a1, b1] = stage(graph_builder::input(), 1, 0, 0);
  const auto [a2, b2] = stage(net.max_pool(net.add(a1, b1), fours), 2, 2, 1);
  const auto [a3, b3] = stage(net.max_pool(net.add(a2, b2), fours), 3, 2, 1);
  index_t x = net.add(a3, b3);
  index_t sum = b3;  // the first of the blocks below reads a3 + b3 and is added to b3 alone
  const index_t dilations[] = {2, 4, 8, 16, 25};
  for (int i = 0; i < 5; ++i) {
    const std::string name = prefix + "dconv" + std::to_string(i + 1) + ".1";
    const torch_convolution how{.dilation = dilations[i], .same = true};
    sum = net.add(sum, net.relu(net.convolution(x, name, how)));
    x = sum;
  }
  net.layer("trunk", sum);
  return sum;
}

/// Sei: 4096 bases, shorter ones in the middle of zeros (as the study runs it), N 0.25 in all channels. Names
/// as in `sei.pth`, with or without `module.model.` before them; widths from the tensors.
///
/// Layers `conv1`, `conv2`, `conv3`, `trunk` (256 positions), `embedding` (16 sums over positions of each
/// channel, channel after channel). Output `chromatin profiles`, probabilities. Without a classifier in the
/// file, or with `"predictions": false` in config.json, the embedding is the output and nothing is read of
/// the classifier (3.3 GB of the published file). Source: Chen et al. 2022, FunctionLab/sei-framework.
/// \throws error [dnalm.config.410] a missing tensor, [dnalm.config.432] shapes that do not fit.
[[nodiscard]] inline layer_graph make_sei(const recipe_source& source) {
  constexpr index_t length = 4096;
  const std::string prefix = prefix_of(source.tensors, "lconv1.0.weight");
  graph_builder net("Sei", {.unknown = 0.25, .length = length, .shorter = short_sequence::centred},
                    source.tensors);
  const index_t trunk = sei_trunk(net, prefix);
  const index_t embedding = net.flatten(sei_spline(net, trunk, length / 16), true);
  const std::string classifier = prefix + "classifier.";
  const char* const tensors[] = {"0.weight", "0.bias", "2.weight", "2.bias"};
  const bool stored = std::any_of(std::begin(tensors), std::end(tensors), [&](const char* name) {
    return source.tensors.contains(classifier + name);
  });
  if (source.config.flag("predictions", true) && stored) {
    net.layer("embedding", embedding);
    const index_t hidden = net.relu(net.dense(embedding, classifier + "0"));
    net.output("chromatin profiles", net.function(net.dense(hidden, classifier + "2"), activation::sigmoid));
    return with_biases(net.take(), source.tensors);
  }
  net.output("embedding", embedding);
  for (const char* name : tensors) net.unused(classifier + name);
  return with_biases(net.take(), source.tensors);
}

}  // namespace detail
DNALM_END_NAMESPACE
