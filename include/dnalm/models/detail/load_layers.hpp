// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Layers that several kinds of networks have, from the tensors of a plan.
#pragma once

#include <vector>

#include <dnalm/models/detail/weight_rows.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/linear_layer.hpp>
#include <dnalm/nn/norm_layer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Each holds tensors of its own in memory; more of them would wait for memory anyway.
inline constexpr int most_loading_threads = 4;

/// A linear layer whose weight is the tensor of a role.
template <class B>
[[nodiscard]] linear_layer<B> load_linear(const B& backend, const planned_weights& weights,
                                          tensor_role weight, tensor_role bias, index_t layer,
                                          index_t inputs) {
  using T = scalar_of<B>;
  return {pack_rows(backend, weights, {weight}, layer, inputs, false),
          backend.upload(weights.template read<T>(bias, layer))};
}
template <class B>
[[nodiscard]] norm_layer<B> load_norm(const B& backend, const planned_weights& weights, tensor_role weight,
                                      tensor_role bias, index_t layer, double eps) {
  using T = scalar_of<B>;
  const std::vector<T> gamma = weights.template read<T>(weight, layer);
  std::vector<T> beta = weights.template read<T>(bias, layer);
  beta.resize(gamma.size(), T(0));  // a norm without a bias
  return {backend.upload(gamma), backend.upload(beta), eps};
}

}  // namespace detail
DNALM_END_NAMESPACE
