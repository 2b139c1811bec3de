// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The layers of Caduceus from their tensors.
///
/// The second strand's channels stand in the opposite order in the published hidden states; here the rows of
/// both strands have one order, and the strands keep their places. Blocks behind an odd number of exchanges
/// then read and write channels in the opposite order: their weights are turned round when they are read.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/caduceus_config.hpp>
#include <dnalm/models/detail/caduceus_names.hpp>
#include <dnalm/models/detail/named_weights.hpp>
#include <dnalm/nn/mamba_block.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Every row of (rows, columns) from its end.
template <class T>
void turn_columns(std::vector<T>& values, index_t columns) {
  for (auto row = values.begin(); row != values.end(); row += columns) std::reverse(row, row + columns);
}
/// The rows of (rows, columns) from the last to the first.
template <class T>
void turn_rows(std::vector<T>& values, index_t columns) {
  std::reverse(values.begin(), values.end());
  turn_columns(values, columns);
}

/// A tensor that may stand under either of two names, under the one that the source has. A source that has
/// neither makes numbers for the first.
[[nodiscard]] inline const planned_tensor& either_of(const named_weights& weights, const std::string& first,
                                                     const std::string& second) {
  for (const std::string& name : {first, second}) {
    if (const planned_tensor* tensor = weights.find(name)) return *tensor;
  }
  return weights.planned(first);
}

/// A projection of a block that both directions share.
[[nodiscard]] inline const planned_tensor& shared_projection(const named_weights& weights,
                                                             const caduceus_config& config, index_t layer,
                                                             const std::string& name) {
  return either_of(weights, caduceus_tensor(layer, caduceus_mixer(config, false) + name),
                   caduceus_tensor(layer, caduceus_mixer(config, true) + name));
}

/// The matrix of a tensor packed, its numbers changed by `turn` first.
template <class B, class Turn>
[[nodiscard]] linear_layer<B> load_turned(const B& backend, const named_weights& weights,
                                          const planned_tensor& tensor, Turn&& turn) {
  using T = scalar_of<B>;
  const index_t rows = tensor.shape[0];
  const index_t columns = tensor.shape[1];
  const auto pack = [&] {
    std::vector<T> values = weights.template read<T>(tensor);
    turn(values);
    return backend.pack(as_matrix(std::as_const(values).data(), rows, columns));
  };
  auto* store = dynamic_cast<pack_store<typename B::weight>*>(weights.packs());
  return {store == nullptr ? pack() : store->find_or_pack(tensor.name, rows, columns, false, pack), {}};
}

/// A = -exp(A_log), (N, E).
template <class B>
[[nodiscard]] typename B::tensor load_rates(const B& backend, const named_weights& weights,
                                            const std::string& name, index_t states) {
  using T = scalar_of<B>;
  std::vector<T> rates = transposed(weights.template read<T>(name), states);
  for (T& rate : rates) {
    rate = -std::exp(rate);
    if (std::isfinite(rate)) continue;
    throw error(error_kind::numeric, 445, "a rate of a selective scan is not a finite number",
                {.where = "tensor " + name, .expected = "logarithms of numbers that can be written"});
  }
  return backend.upload(rates, states, static_cast<index_t>(rates.size()) / states);
}

template <class B>
[[nodiscard]] mamba_direction<B> load_direction(const B& backend, const named_weights& weights,
                                                const caduceus_config& config, index_t layer, bool is_back) {
  using T = scalar_of<B>;
  const auto name = [&](const std::string& part) {
    return caduceus_tensor(layer, caduceus_mixer(config, is_back) + part);
  };
  mamba_direction<B> d;
  d.taps = load_depthwise(backend, weights, name("conv1d.weight"), config.inner);
  std::vector<T> bias = weights.template read<T>(name("conv1d.bias"));
  bias.resize(static_cast<std::size_t>(config.inner), T(0));
  d.bias = backend.upload(bias);
  d.parts.weight = weights.pack(backend, name("x_proj.weight"), config.inner);
  d.steps.weight = weights.pack(backend, name("dt_proj.weight"), config.rank);
  d.steps.bias = backend.upload(weights.template read<T>(name("dt_proj.bias")));
  d.rates = load_rates(backend, weights, name("A_log"), config.states);
  d.skip = backend.upload(weights.template read<T>(name("D")));
  return d;
}

/// An RMS norm; `turned`: for channels in the opposite order.
template <class B>
[[nodiscard]] rms_norm_layer<B> load_rms_norm(const B& backend, const named_weights& weights,
                                              const std::string& name, bool turned, double eps) {
  std::vector<scalar_of<B>> gamma = weights.template read<scalar_of<B>>(name);
  if (turned) std::reverse(gamma.begin(), gamma.end());
  return {backend.upload(gamma), eps};
}

template <class B>
[[nodiscard]] mamba_block<B> load_mamba_block(const B& backend, const named_weights& weights,
                                              const caduceus_config& config, index_t layer) {
  using T = scalar_of<B>;
  const bool turned = config.exchanged_after(layer + 1);
  mamba_block<B> block;
  block.norm = load_rms_norm(backend, weights, caduceus_tensor(layer, "norm." + caduceus_norm(config)),
                             turned, config.norm_eps);
  block.mixer.in = load_turned(backend, weights, shared_projection(weights, config, layer, "in_proj.weight"),
                               [&](std::vector<T>& values) {
                                 if (turned) turn_columns(values, config.channels);
                               });
  block.mixer.out =
      load_turned(backend, weights, shared_projection(weights, config, layer, "out_proj.weight"),
                  [&](std::vector<T>& values) {
                    if (turned) turn_rows(values, config.inner);
                  });
  block.mixer.ahead = load_direction(backend, weights, config, layer, false);
  block.mixer.back = load_direction(backend, weights, config, layer, true);
  block.mixer.strands = config.strands();
  block.mixer.exchanged = turned;
  return block;
}

/// Complements of PS: those of the file where it has them, else of the configuration.
/// \throws error [dnalm.config.446] a number that is none of a token.
[[nodiscard]] inline std::vector<std::int32_t> load_complements(const named_weights& weights,
                                                                const caduceus_config& config, bool head) {
  const std::string name = caduceus_complement(head);
  const std::vector<double> stored = weights.read<double>(name);
  if (stored.empty()) return config.complement;
  std::vector<std::int32_t> complement;
  for (const double other : stored) {
    if (!(other >= 0.0 && other < static_cast<double>(config.vocabulary)) || other != std::floor(other)) {
      throw error(error_kind::config, 446, "a complement that is no token",
                  {.where = "tensor " + name,
                   .expected = "token numbers below " + std::to_string(config.vocabulary),
                   .found = std::to_string(other)});
    }
    complement.push_back(static_cast<std::int32_t>(other));
  }
  return complement;
}

/// Rows of a table (V, D) for hidden states of both strands: [table[v] | table[complement[v]] from its end],
/// (V, 2 D); with one strand the table itself.
template <class T>
[[nodiscard]] std::vector<T> table_of_strands(const std::vector<T>& table, const caduceus_config& config,
                                              const std::vector<std::int32_t>& complement) {
  if (!config.two_strands) return table;
  std::vector<T> both;
  for (index_t v = 0; v < config.vocabulary; ++v) {
    const auto row = table.begin() + v * config.channels;
    const auto other = table.begin() + complement[static_cast<std::size_t>(v)] * config.channels;
    both.insert(both.end(), row, row + config.channels);
    both.insert(both.end(), std::make_reverse_iterator(other + config.channels),
                std::make_reverse_iterator(other));
  }
  return both;
}

}  // namespace detail
DNALM_END_NAMESPACE
