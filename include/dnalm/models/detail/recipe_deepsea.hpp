// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DeepSEA and Beluga: convolutions and products, probabilities of chromatin features.
#pragma once

#include <string>

#include <dnalm/models/detail/recipe_prefix.hpp>
#include <dnalm/models/recipe_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// One strand: what stands before the last product. DeepSEA's function is x above 0 and else 1e-6.
inline index_t deepsea_strand(graph_builder& net, index_t x, const std::string& prefix) {
  for (const int module : {0, 4, 8}) {
    x = net.threshold(net.convolution(x, prefix + std::to_string(module)), 0.0, 1e-6);
    if (module != 8) x = net.max_pool(x, {4, 4});
  }
  return net.threshold(net.dense(net.flatten(x, true), prefix + "12.1"), 0.0, 1e-6);
}

/// DeepSEA: 1000 bases, channels A, G, C, T, N 0.25. The published files differ in what stands before their
/// names: `1.` (`variantEffects`) are probabilities of the strand as it is given, `2.` (`predict`) the mean
/// of those of both strands. Layer `hidden`, of the strand as given; output `chromatin features`. Source:
/// Zhou and Troyanskaya 2015, Kipoi's files. \throws error [dnalm.config.410] a missing tensor,
/// [dnalm.config.432] shapes that do not fit.
[[nodiscard]] inline layer_graph make_deepsea(const recipe_source& source) {
  const bool both = source.tensors.contains("2.0.weight");
  const std::string prefix = both ? "2." : "1.";
  graph_builder net("DeepSEA", {.letters = "AGCT", .unknown = 0.25, .length = 1000}, source.tensors);
  const auto probabilities = [&](index_t hidden) {
    return net.function(net.dense(hidden, prefix + "14.1"), activation::sigmoid);
  };
  const index_t hidden = deepsea_strand(net, graph_builder::input(), prefix);
  net.layer("hidden", hidden);
  index_t y = probabilities(hidden);
  if (both) {
    const index_t turned = net.reverse(graph_builder::input());
    y = net.scale(net.add(y, probabilities(deepsea_strand(net, turned, prefix))), 0.5);
  }
  net.output("chromatin features", y);
  return with_biases(net.take(), source.tensors);
}

/// ExPecto's Beluga: 2000 bases, channels A, G, C, T, N 0.25. Layer `hidden`, output `chromatin features`.
/// Source: Zhou et al. 2018, `deepsea.beluga.pth`. \throws as make_deepsea.
[[nodiscard]] inline layer_graph make_beluga(const recipe_source& source) {
  graph_builder net("Beluga", {.letters = "AGCT", .unknown = 0.25, .length = 2000}, source.tensors);
  index_t x = graph_builder::input();
  for (const int module : {0, 2, 6, 8, 12, 14}) {
    x = net.relu(net.convolution(x, "model.0." + std::to_string(module)));
    if (module == 2 || module == 8) x = net.max_pool(x, {4, 4});
  }
  x = net.relu(net.dense(net.flatten(x, true), "model.1.2.1"));
  net.layer("hidden", x);
  net.output("chromatin features", net.function(net.dense(x, "model.1.4.1"), activation::sigmoid));
  return with_biases(net.take(), source.tensors);
}

}  // namespace detail
DNALM_END_NAMESPACE
