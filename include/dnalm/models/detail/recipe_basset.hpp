// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Basset: convolutions, batch norms and products, probabilities of accessibility.
#pragma once

#include <string>

#include <dnalm/models/detail/recipe_prefix.hpp>
#include <dnalm/models/recipe_source.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Basset: 600 bases, N 0.25; three convolutions and two products with batch norms. Layer `hidden`, output
/// `accessibility`. Source: Kelley et al. 2016, Kipoi's file. \throws error [dnalm.config.410] a missing
/// tensor, [dnalm.config.432] shapes that do not fit.
[[nodiscard]] inline layer_graph make_basset(const recipe_source& source) {
  graph_builder net("Basset", {.unknown = 0.25, .length = 600}, source.tensors);
  index_t x = graph_builder::input();
  for (const int module : {0, 4, 8}) {
    x = net.convolution(x, std::to_string(module));
    x = net.relu(net.batch_norm(x, std::to_string(module + 1)));
    const index_t size = module == 0 ? 3 : 4;
    x = net.max_pool(x, {size, size});
  }
  x = net.flatten(x, true);
  for (const int module : {13, 17}) {
    x = net.dense(x, std::to_string(module) + ".1");
    x = net.relu(net.batch_norm(x, std::to_string(module + 1)));
  }
  net.layer("hidden", x);
  net.output("accessibility", net.function(net.dense(x, "21.1"), activation::sigmoid));
  return with_biases(net.take(), source.tensors);
}

}  // namespace detail
DNALM_END_NAMESPACE
