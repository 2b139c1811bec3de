// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A convolution from the tensors of a plan.
#pragma once

#include <string>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/pack_store.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/weight_source.hpp>
#include <dnalm/nn/convolution_layer.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// (out, in, taps), as PyTorch has it, to (out, taps in): to[n][t in + c] = from[n][c][t].
template <class T>
[[nodiscard]] std::vector<T> taps_first(const std::vector<T>& from, index_t outputs, index_t inputs,
                                        index_t taps) {
  std::vector<T> to(from.size());
  for (index_t n = 0; n < outputs; ++n) {
    const T* row = from.data() + n * inputs * taps;
    T* place = to.data() + n * inputs * taps;
    for (index_t c = 0; c < inputs; ++c) {
      for (index_t t = 0; t < taps; ++t) place[t * inputs + c] = row[c * taps + t];
    }
  }
  return to;
}

/// A convolution layer whose weight (out, in, taps) is the tensor of a role.
template <class B>
[[nodiscard]] convolution_layer<B> load_convolution(const B& backend, const planned_weights& weights,
                                                    tensor_role weight, tensor_role bias, index_t layer,
                                                    const convolution_taps& taps) {
  using T = scalar_of<B>;
  const planned_tensor* tensor = weights.find(weight, layer);
  if (tensor == nullptr) {
    throw error(error_kind::config, 410, "the weights lack a convolution",
                {.where = "layer " + std::to_string(layer), .expected = "its weight"});
  }
  const index_t outputs = tensor->shape[0];
  const index_t inputs = tensor->shape[1];
  const index_t depth = checked_mul(taps.taps, inputs);
  const auto pack = [&] {
    const std::vector<T> rows =
        taps_first(weights.template read<T>(weight, layer), outputs, inputs, taps.taps);
    return backend.pack(as_matrix(rows.data(), outputs, depth));
  };
  auto* store = dynamic_cast<pack_store<typename B::weight>*>(weights.packs());
  return {store == nullptr ? pack() : store->find_or_pack(tensor->name, outputs, depth, false, pack),
          backend.upload(weights.template read<T>(bias, layer)), taps};
}

}  // namespace detail
DNALM_END_NAMESPACE
