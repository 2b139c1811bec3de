// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A block's filter from its tensors, or from the formulas where a file leaves them out.
#pragma once

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/models/detail/hyena_names.hpp>
#include <dnalm/models/detail/named_weights.hpp>
#include <dnalm/models/hyena_config.hpp>
#include <dnalm/nn/implicit_filter.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// first, ..., last in `count` equal steps.
[[nodiscard]] inline double step_between(double first, double last, index_t i, index_t count) {
  if (count < 2) return first;
  return first + (last - first) * static_cast<double>(i) / static_cast<double>(count - 1);
}
[[nodiscard]] inline double as_float(double x) {
  return static_cast<double>(static_cast<float>(x));
}

/// z_i = [t_i, cos(f_1 w_i), ..., -sin(f_1 w_i), ...], t_i = i / (n - 1), w_i = 2 pi i / n, f from 1e-4 to b
/// - 1 in b = (E - 1) / 2 steps; rounded to float, as files have them.
/// \throws error [dnalm.config.403] for many more numbers than any published model has.
[[nodiscard]] inline filter_positions formula_positions(const hyena_config& config) {
  const index_t n = config.positions;
  if (checked_mul(n, config.embedding) > (index_t{1} << 28)) {
    throw error(error_kind::config, 403, "more positions of HyenaDNA's filter than can be meant",
                {.expected = "l_max times emb_dim of at most 2^28 where the file holds no positions",
                 .found = std::to_string(n) + " times " + std::to_string(config.embedding)});
  }
  const index_t bands = (config.embedding - 1) / 2;
  filter_positions made{n, config.embedding, {}, {}};
  for (index_t i = 0; i < n; ++i) {
    const double w = 2.0 * 3.14159265358979323846 * static_cast<double>(i) / static_cast<double>(n);
    const double t = as_float(step_between(0.0, 1.0, i, n));
    made.t.push_back(t);
    made.z.push_back(t);
    for (const bool sine : {false, true}) {
      for (index_t b = 0; b < bands; ++b) {
        const double angle = step_between(1e-4, static_cast<double>(bands - 1), b, bands) * w;
        made.z.push_back(as_float(sine ? -std::sin(angle) : std::cos(angle)));
      }
    }
  }
  return made;
}

/// delta_c from ln(target) / slow to ln(target) / fast, rounded to float.
[[nodiscard]] inline std::vector<double> formula_deltas(const hyena_config& config) {
  const double low = std::log(config.target) / config.slow_decay;
  const double high = std::log(config.target) / config.fast_decay;
  std::vector<double> deltas;
  for (index_t c = 0; c < config.width; ++c)
    deltas.push_back(as_float(step_between(low, high, c, config.width)));
  return deltas;
}

/// A block's positions; `before` when they are the same.
[[nodiscard]] inline std::shared_ptr<const filter_positions> load_positions(
    const named_weights& weights, const hyena_config& config, index_t layer,
    std::shared_ptr<const filter_positions> before) {
  const std::string prefix = hyena_tensor(layer, "mixer.filter_fn.pos_emb.");
  filter_positions own{config.positions, config.embedding, weights.read<double>(prefix + "z"),
                       weights.read<double>(prefix + "t")};
  if (own.z.empty() || own.t.empty()) {
    filter_positions made = formula_positions(config);
    if (own.z.empty()) own.z = std::move(made.z);
    if (own.t.empty()) own.t = std::move(made.t);
  }
  if (before != nullptr && *before == own) return before;
  return std::make_shared<const filter_positions>(std::move(own));
}

/// The frequencies of the sines: under the first of their names that is there.
[[nodiscard]] inline std::vector<double> load_frequencies(const named_weights& weights,
                                                          const hyena_config& config, index_t layer) {
  for (index_t i = 0; i <= config.inner_layers; ++i) {
    std::vector<double> found = weights.read<double>(hyena_tensor(layer, hyena_frequency(i)));
    if (!found.empty()) return found;
  }
  return std::vector<double>(static_cast<std::size_t>(config.filter_order), config.frequency);
}

[[nodiscard]] inline implicit_filter load_filter(const named_weights& weights, const hyena_config& config,
                                                 index_t layer,
                                                 std::shared_ptr<const filter_positions> positions) {
  const auto name = [&](index_t i) { return hyena_tensor(layer, hyena_filter_product(i)); };
  implicit_filter filter;
  filter.positions = std::move(positions);
  for (index_t i = 0; i <= config.inner_layers; ++i) {
    filter_layer& sine = filter.sines.emplace_back();
    sine.set(weights.read<double>(name(i) + ".weight"), i == 0 ? config.embedding : config.filter_order,
             weights.read<double>(name(i) + ".bias"));
  }
  filter.last.set(weights.read<double>(name(config.inner_layers + 1) + ".weight"), config.filter_order, {});
  filter.frequencies = load_frequencies(weights, config, layer);
  filter.deltas = weights.read<double>(hyena_tensor(layer, "mixer.filter_fn.modulation.deltas"));
  if (filter.deltas.empty()) filter.deltas = formula_deltas(config);
  filter.modulated = config.modulated;
  filter.shift = config.shift;
  return filter;
}

}  // namespace detail
DNALM_END_NAMESPACE
