// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden checkpoints of Caduceus (tests/golden/make/make_caduceus.py) run on a backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/caduceus_tensors.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_inputs.hpp>
#include <unit/models/gradient_golden_runs.hpp>

namespace dnalm_test {

inline const std::filesystem::path golden_caduceus = std::filesystem::path(DNALM_GOLDEN_DIR) / "caduceus";

inline const std::vector<std::string> caduceus_cases = {"ph",      "ph_untied", "ps",
                                                        "ps_even", "ps_plain",  "ps_long"};

/// A case loaded on a backend.
template <class B>
struct golden_caduceus_network {
  std::filesystem::path folder;
  dnalm::caduceus_config config;
  dnalm::caduceus_network<B> network;
  dnalm::io::safetensors_file expected;
  typename dnalm::caduceus_network<B>::workspace workspace = {};

  golden_caduceus_network(const std::string& name, B backend)
      : folder(golden_caduceus / name),
        config(dnalm::read_caduceus_config(folder)),
        network(
            std::move(backend), config,
            dnalm::checkpoint_source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config), name)),
        expected(golden_caduceus / "expected" / (name + ".safetensors")) {}

  [[nodiscard]] bool has(int j) const { return expected.contains("input" + std::to_string(j) + ".ids"); }
  [[nodiscard]] std::vector<std::int32_t> ids(int j) const {
    std::vector<std::int32_t> ids;
    for (const double id : read_numbers(expected, "input" + std::to_string(j) + ".ids"))
      ids.push_back(static_cast<std::int32_t>(id));
    return ids;
  }
};

/// Largest difference of rows [first, first + expected / columns) of a packed output, divided by max(1,
/// largest expected number) where `relative`.
template <class T>
double caduceus_gap(const std::vector<double>& expected, dnalm::matrix_view<const T> found, index_t first,
                    bool relative) {
  double largest = 1.0;
  double worst = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto at = static_cast<index_t>(i);
    const double value = static_cast<double>(found(first + at / found.columns, at % found.columns));
    const double gap = std::abs(expected[i] - value);
    largest = std::max(largest, std::abs(expected[i]));
    worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
  }
  return relative ? worst / largest : worst;
}

/// Worst difference over all sequences of a case, in one batch, all hidden states and the logits.
template <class B>
double worst_of_caduceus(const std::string& name, const B& backend, bool relative) {
  using T = typename B::scalar;
  golden_caduceus_network<B> run(name, backend);
  std::vector<std::int32_t> ids;
  dnalm::ragged_offsets offsets;
  for (int j = 0; run.has(j); ++j) {
    const auto own = run.ids(j);
    ids.insert(ids.end(), own.begin(), own.end());
    offsets.append(static_cast<index_t>(own.size()));
  }
  double worst = 0.0;
  index_t seen = 0;
  const auto compare = [&](const std::string& output, dnalm::matrix_view<const T> x) {
    for (index_t s = 0; s < offsets.sequences(); ++s) {
      const auto expected = read_numbers(run.expected, "input" + std::to_string(s) + "." + output);
      REQUIRE(static_cast<index_t>(expected.size()) == offsets.length(s) * x.columns);
      worst = std::max(worst, caduceus_gap(expected, x, offsets.begin(s), relative));
    }
    ++seen;
  };
  const auto on_layer = [&](index_t layer, dnalm::matrix_view<const T> x) {
    compare("hidden." + std::to_string(layer), x);
  };
  const auto on_logits = [&](dnalm::matrix_view<const T> x) { compare("logits", x); };
  const typename dnalm::caduceus_network<B>::logits_receiver receiver = on_logits;
  run.network.forward({ids, offsets}, on_layer, &receiver, run.workspace);
  REQUIRE(seen == run.config.layers + 2);
  return worst;
}

/// Every stored gradient of a case.
template <class B>
std::vector<gradient_gap> caduceus_gradients(const std::string& name, const B& backend) {
  using T = typename B::scalar;
  golden_caduceus_network<B> run(name, backend);
  std::vector<std::string> outputs = {"logits"};
  for (index_t layer = 1; layer <= run.config.layers; ++layer)
    outputs.push_back("hidden." + std::to_string(layer));
  std::vector<gradient_gap> found;
  for (int j = 0; run.has(j); ++j) {
    const auto ids = run.ids(j);
    dnalm::ragged_offsets offsets;
    offsets.append(static_cast<index_t>(ids.size()));
    for (const std::string& output : outputs) {
      const std::string key = "input" + std::to_string(j) + ".gradient." + output;
      if (!run.expected.contains(key)) continue;
      const auto expected = read_numbers(run.expected, key);
      const auto compare = [&](const dnalm::basic_input_gradient<T>& gradient) {
        found.push_back(
            {key, relative_gap(expected, gradient.words), read_numbers(run.expected, key + ".f32_error")[0]});
      };
      run.network.gradient({ids, offsets}, formula_request<T>(output), compare, run.workspace);
    }
  }
  return found;
}

}  // namespace dnalm_test
