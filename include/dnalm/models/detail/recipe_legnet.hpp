// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The human LegNet: blocks of wide depthwise convolutions beside their input, activities.
#pragma once

#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/detail/config_reader.hpp>
#include <dnalm/models/detail/recipe_prefix.hpp>
#include <dnalm/models/recipe_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A convolution of the same length, batch norm, SiLU: modules `at` and `at` + 1 of a sequence.
inline index_t legnet_local(graph_builder& net, index_t x, const std::string& block, int at,
                            index_t groups = 1) {
  x = net.convolution(x, block + std::to_string(at), {.groups = groups, .same = true});
  return net.function(net.batch_norm(x, block + std::to_string(at + 1)), activation::silu);
}

/// The wide part of a block: one position, every channel by itself, channels weighed by their means, one
/// position.
inline index_t legnet_wide(graph_builder& net, index_t x, const std::string& block,
                           const tensor_table& tensors) {
  x = legnet_local(net, x, block, 0);
  x = legnet_local(net, x, block, 3, tensors.extent(block + "3.weight", 0));
  index_t gate = net.function(net.dense(net.global_mean(x), block + "6.fc.0"), activation::silu);
  gate = net.function(net.dense(gate, block + "6.fc.2"), activation::sigmoid);
  return legnet_local(net, net.multiply(x, gate), block, 7);
}

/// Channels of the stem's input: 4 letters, or one more for the strand.
[[nodiscard]] inline index_t legnet_channels(const tensor_table& tensors, const std::string& name) {
  const index_t channels = tensors.extent(name, 1);
  if (channels == 4 || channels == 5) return channels;
  throw error(error_kind::shape, 412, "a tensor has another shape than the network says",
              {.where = tensors.where() + ", " + name,
               .expected = "4 or 5 channels",
               .found = std::to_string(channels)});
}

/// LegNet of lentiMPRA: any length, channels A, G, C, T and, where the stem has five, one that is 0 (the
/// strand as given); N 0.25. `pool_sizes` of config.json as in the authors' settings, 2 everywhere when it is
/// absent. Layers `main.<i>`, `hidden`; output `activity`. Source: Penzar et al. 2023,
/// autosome-ru/human_legnet. \throws error [dnalm.config.410] a missing tensor, [dnalm.shape.412] a stem of
/// other than 4 or 5 channels, [dnalm.config.403] pool_sizes of other than the blocks, [dnalm.config.432]
/// shapes that do not fit.
[[nodiscard]] inline layer_graph make_legnet(const recipe_source& source) {
  const tensor_table& tensors = source.tensors;
  const std::string prefix = prefix_of(tensors, "stem.block.0.weight");
  const index_t channels = legnet_channels(tensors, prefix + "stem.block.0.weight");
  graph_builder net("LegNet", {.letters = "AGCT", .channels = channels, .unknown = 0.25}, tensors);
  const std::vector<index_t> pools = source.config.sizes("pool_sizes", 1, 1 << 20);
  index_t x = legnet_local(net, graph_builder::input(), prefix + "stem.block.", 0);
  std::size_t blocks = 0;
  for (; tensors.contains(prefix + "main." + std::to_string(blocks) + ".1.block.0.weight"); ++blocks) {
    const std::string block = "main." + std::to_string(blocks);
    const index_t wide = legnet_wide(net, x, prefix + block + ".0.fn.block.", tensors);
    x = legnet_local(net, net.join_channels({wide, x}), prefix + block + ".1.block.", 0);
    const index_t pool = blocks < pools.size() ? pools[blocks] : 2;
    if (pool > 1) x = net.max_pool(x, {pool, pool});
    net.layer(block, x);
  }
  if (!pools.empty() && pools.size() != blocks) {
    source.config.contradiction(std::to_string(blocks) + " pool_sizes, one for each block of the weights",
                                std::to_string(pools.size()));
  }
  x = net.batch_norm(x, prefix + "mapper.block.0");
  x = net.global_mean(net.convolution(x, prefix + "mapper.block.1", {.same = true}));
  x = net.function(net.batch_norm(net.dense(x, prefix + "head.0"), prefix + "head.1"), activation::silu);
  net.layer("hidden", x);
  net.output("activity", net.dense(x, prefix + "head.3"));
  return with_biases(net.take(), tensors,
                     {"stem.block.0", ".fn.block.0", ".fn.block.3", ".fn.block.7", ".1.block.0"});
}

}  // namespace detail
DNALM_END_NAMESPACE
