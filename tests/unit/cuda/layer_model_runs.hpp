// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Networks of layers through load_model on the tested GPU: for the emulated one and a real one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/embed.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/models/prediction_head.hpp>
#include <dnalm/models/random_source.hpp>
#include <support/same_bits.hpp>
#include <support/temporary_folder.hpp>
#include <unit/cuda/on_gpu.hpp>
#include <unit/models/keras_cases.hpp>
#include <unit/models/small_spliceai.hpp>
#include <unit/models/supervised_runs.hpp>

namespace dnalm_test {

/// Golden folders that need no HDF5.
inline constexpr const char* golden_layer_networks[] = {
    "sei",      "deepsea_predict", "deepsea_variant_effects", "beluga",   "basset",  "legnet",
    "enformer", "legnet_reverse",  "enformer_port",           "mtsplice", "phylogpn"};

/// A loaded model with the members that compare_supervised asks of a network.
class loaded_layers {
 public:
  using scalar = float;
  using workspace = dnalm::forward_workspace;

  explicit loaded_layers(dnalm::model loaded) : model_(std::move(loaded)) {}
  [[nodiscard]] const dnalm::layer_graph& config() const {
    return std::get<dnalm::layer_graph>(model_.describe().config);
  }
  void forward(const dnalm::token_batch& batch, dnalm::layer_observer states, std::nullptr_t,
               workspace& w) const {
    model_.forward(batch, states, w);
  }
  void gradient(const dnalm::token_batch& batch, const dnalm::gradient_request& request,
                dnalm::gradient_observer receive, workspace& w) const {
    model_.input_gradients(batch, request, receive, w);
  }

 private:
  dnalm::model model_;
};

/// Predictions, embeddings and gradients of a model folder, within the bounds of the cpu.
inline void check_layers_on_gpu(const std::string& name, const std::filesystem::path& folder) {
  INFO(name);
  const loaded_layers network(dnalm::load_model(folder, on_gpu()));
  const supervised_gaps gaps = compare_supervised(
      network, dnalm::io::safetensors_file(golden_supervised / "expected" / (name + ".safetensors")));
  INFO("outputs " << gaps.outputs << ", gradients " << gaps.gradients << ", of the reference itself "
                  << gaps.float_error);
  CHECK(gaps.compared >= 3);
  REQUIRE(gaps.with_gradient >= 1);
  CHECK(gaps.outputs <= 1e-4);
  CHECK(gaps.gradients <= std::max(1e-4, 4.0 * gaps.float_error));
}

/// The same of a golden folder.
inline void check_layers_on_gpu(const std::string& name) {
  check_layers_on_gpu(name, golden_supervised / name);
}
inline void check_spliceai_on_gpu() {
  const temporary_folder folder("spliceai");
  write_spliceai_folder(folder);
  check_layers_on_gpu("spliceai", folder.path());
}
#if defined(DNALM_WITH_HDF5)
inline void check_keras_on_gpu() {
  for (const keras_case& c : keras_cases) {
    const temporary_folder folder("keras");
    write_keras_case(c, folder.path());
    check_layers_on_gpu(c.name, folder.path());
  }
}
#endif

/// The gradient of all predictions with little and with much of the forward pass kept: the same bits.
inline void check_layer_budgets(const std::string& name) {
  INFO(name);
  const dnalm::model network = dnalm::load_model(golden_supervised / name, on_gpu());
  const dnalm::io::safetensors_file expected(golden_supervised / "expected" / (name + ".safetensors"));
  const std::vector<std::int32_t> ids = golden_letters(expected, "case0.sequence");
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<dnalm::index_t>(ids.size()));
  auto request = formula_request<float>("logits");
  const auto gradient = [&](dnalm::index_t keep_bytes) {
    std::vector<float> found;
    request.keep_bytes = keep_bytes;
    dnalm::forward_workspace workspace;
    const auto take = [&](const dnalm::input_gradient& g) {
      for (dnalm::index_t r = 0; r < g.words.rows; ++r) {
        found.insert(found.end(), g.words.row_data(r), g.words.row_data(r) + g.words.columns);
      }
    };
    network.input_gradients({ids, offsets}, request, take, workspace);
    return std::pair(found, network.gradient_bytes(request, offsets.rows(), offsets.rows()));
  };
  const auto [much, most_bytes] = gradient(dnalm::default_keep_bytes);
  const auto [little, least_bytes] = gradient(0);
  CHECK(much.size() > ids.size());
  CHECK(much == little);
  CHECK(least_bytes < most_bytes);
}

/// All states of a batch as the model gives them, one behind the other.
inline std::vector<std::vector<float>> states_of(const dnalm::model& network,
                                                 const dnalm::token_batch& batch) {
  std::vector<std::vector<float>> states;
  dnalm::forward_workspace workspace;
  const auto take = [&](dnalm::index_t, dnalm::matrix_view<const float> x) {
    states.emplace_back();
    for (dnalm::index_t r = 0; r < x.rows; ++r) {
      states.back().insert(states.back().end(), x.row_data(r), x.row_data(r) + x.columns);
    }
  };
  network.forward(batch, take, workspace);
  return states;
}

/// A golden folder's first sequence alone and twice in a batch: the same bits.
inline void check_layers_alone(const std::string& name) {
  INFO(name);
  const dnalm::model network = dnalm::load_model(golden_supervised / name, on_gpu());
  const dnalm::io::safetensors_file expected(golden_supervised / "expected" / (name + ".safetensors"));
  std::vector<std::int32_t> ids = golden_letters(expected, "case0.sequence");
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<dnalm::index_t>(ids.size()));
  const auto alone = states_of(network, {ids, offsets});
  offsets.append(offsets.rows());
  const std::vector<std::int32_t> once = ids;
  ids.insert(ids.end(), once.begin(), once.end());
  const auto twice = states_of(network, {ids, offsets});
  REQUIRE(alone.size() == twice.size());
  for (std::size_t state = 0; state < alone.size(); ++state) {
    const std::size_t size = alone[state].size();
    REQUIRE(twice[state].size() == 2 * size);
    for (const std::size_t first : {std::size_t{0}, size}) {
      CHECK(same_bits(std::span<const float>(alone[state]),
                      std::span<const float>(twice[state]).subspan(first, size)));
    }
  }
}

/// Products in 16 bits: another arithmetic than float's, and not far from it.
inline void check_half_layers(const std::string& name) {
  INFO(name);
  const loaded_layers network(
      dnalm::load_model(golden_supervised / name, on_gpu({.precision = dnalm::cuda_precision::bf16})));
  const supervised_gaps gaps = compare_supervised(
      network, dnalm::io::safetensors_file(golden_supervised / "expected" / (name + ".safetensors")));
  // As of the other networks: 30 roundings of 2^-9 one after another.
  CHECK(gaps.outputs < 30 * 0x1p-9);
  CHECK(gaps.outputs > 0x1p-16);
}

/// A loaded network's random twin is that of its folder; a network of another kind is refused.
inline void check_layer_twins(const std::string& name) {
  INFO(name);
  const auto folder = golden_supervised / name;
  const dnalm::model original = dnalm::load_model(folder, on_gpu());
  const dnalm::io::safetensors_file expected(golden_supervised / "expected" / (name + ".safetensors"));
  const std::vector<std::int32_t> ids = golden_letters(expected, "case0.sequence");
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<dnalm::index_t>(ids.size()));
  const auto twin = states_of(dnalm::random_twin(original, 3), {ids, offsets}).back();
  const auto again = states_of(dnalm::random_twin(folder, 3, on_gpu()), {ids, offsets}).back();
  CHECK(same_bits(twin, again));
  CHECK_FALSE(same_bits(twin, states_of(original, {ids, offsets}).back()));
  const auto encoder = dnalm::read_network_config(golden_models / "nt_v2_d8");
  CHECK(error_id_of([&] { static_cast<void>(original.remade(encoder, dnalm::random_source(1, 0.02), 1)); }) ==
        "dnalm.unsupported.440");
}

/// Poolings on the GPU beside those of the cpu.
inline void check_layer_poolings(const std::string& name, const std::vector<std::string>& sequences) {
  INFO(name);
  const auto gpu = dnalm::load_model(golden_supervised / name, on_gpu());
  const auto cpu = dnalm::load_model(golden_supervised / name);
  const dnalm::embed_options options{.poolings = {dnalm::pooling::mean, dnalm::pooling::max}};
  const auto found = dnalm::embed(gpu, std::span<const std::string>(sequences), options);
  const auto wanted = dnalm::embed(cpu, std::span<const std::string>(sequences), options);
  REQUIRE(found.layers == wanted.layers);
  for (const auto kind : options.poolings) {
    for (const dnalm::index_t layer : wanted.layers) {
      REQUIRE(found.at(kind, layer).shape(1) == wanted.at(kind, layer).shape(1));
      for (std::size_t s = 0; s < sequences.size(); ++s) {
        for (std::size_t c = 0; c < wanted.at(kind, layer).shape(1); ++c) {
          const double expected = wanted.at(kind, layer)(s, c);
          const double gap = std::abs(static_cast<double>(found.at(kind, layer)(s, c)) - expected);
          CHECK(gap <= 1e-4 * std::max(1.0, std::abs(expected)));
        }
      }
    }
  }
}

/// Values and gradients of the linear outputs of the last head on the GPU beside those of the cpu.
inline void check_linear_outputs(const std::string& name, const std::string& sequence) {
  INFO(name);
  const auto cpu = dnalm::load_model(golden_supervised / name);
  const std::string head = dnalm::prediction_heads(cpu).back().name;
  const std::vector<dnalm::index_t> columns = {1, 0};
  const std::vector<std::string> sequences = {sequence};
  const auto run = [&](const dnalm::model& network) {
    const auto targets = dnalm::attribution_targets::of_logits(network, columns, {.head = head});
    const auto found = dnalm::saliency(dnalm::nucleotide_function(targets), sequences);
    const auto values = targets.function()(sequences);
    for (std::size_t t = 0; t < columns.size(); ++t) CHECK(found[t].value == values[t]);
    return found;
  };
  const auto found = run(dnalm::load_model(golden_supervised / name, on_gpu()));
  const auto wanted = run(cpu);
  for (std::size_t t = 0; t < columns.size(); ++t) {
    CHECK(std::abs(found[t].value - wanted[t].value) <= 1e-4 * std::max(1.0, std::abs(wanted[t].value)));
    double largest = 0;
    for (const double g : wanted[t].map.values) largest = std::max(largest, std::abs(g));
    for (std::size_t i = 0; i < wanted[t].map.values.size(); ++i) {
      CHECK(std::abs(found[t].map.values[i] - wanted[t].map.values[i]) <= 1e-4 * largest);
    }
  }
}

}  // namespace dnalm_test
