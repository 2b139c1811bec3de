// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden networks of layers (tests/golden/make/make_supervised.py, make_supervised_keras.py) run on a
/// backend.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/layer_recipe.hpp>
#include <dnalm/models/network_config.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_inputs.hpp>
#include <unit/models/gradient_golden_runs.hpp>

namespace dnalm_test {

inline const std::filesystem::path golden_supervised = std::filesystem::path(DNALM_GOLDEN_DIR) / "supervised";

/// A state of a network, and the expected tensor it is compared with.
struct named_state {
  index_t state = 0;
  std::string tensor = {};
};

/// The predictions, and the layer (or prediction) that the golden files call the embedding.
[[nodiscard]] inline std::vector<named_state> golden_states(const dnalm::layer_graph& graph) {
  std::vector<named_state> states;
  for (index_t state = 1; state <= graph.results(); ++state) {
    const std::string& name = graph.result(state).name;
    if (name == "hidden" || name == "embedding") states.push_back({state, "embedding"});
    const index_t output = state - static_cast<index_t>(graph.layers.size()) - 1;
    if (output >= 0) states.push_back({state, "output" + (output == 0 ? "" : std::to_string(output))});
  }
  return states;
}

/// Worst differences of a network to a golden file.
struct supervised_gaps {
  double outputs = 0.0;      ///< as shares of max(1, largest expected number)
  double gradients = 0.0;    ///< as shares of the largest expected number
  double float_error = 0.0;  ///< of the gradients in float by the reference itself, as above
  int compared = 0;          ///< outputs and gradients
  int with_gradient = 0;     ///< the gradients of them
};

/// Numbers of a tensor, and of the one whose name has `1` behind it (a second input).
[[nodiscard]] inline std::vector<double> numbers_of_inputs(const dnalm::io::safetensors_file& expected,
                                                           const std::string& name) {
  std::vector<double> numbers = read_numbers(expected, name);
  if (expected.contains(name + "1")) {
    const std::vector<double> more = read_numbers(expected, name + "1");
    numbers.insert(numbers.end(), more.begin(), more.end());
  }
  return numbers;
}

/// Letters of a case as tokens.
[[nodiscard]] inline std::vector<std::int32_t> golden_letters(const dnalm::io::safetensors_file& expected,
                                                              const std::string& name) {
  std::vector<std::int32_t> ids;
  for (const double byte : numbers_of_inputs(expected, name)) {
    ids.push_back(static_cast<std::int32_t>(std::string("ACGTN").find(static_cast<char>(byte))));
  }
  return ids;
}

/// Largest |expected - found| divided by the largest of 1 and |expected|.
template <class T>
[[nodiscard]] double output_gap(const std::vector<double>& expected, dnalm::matrix_view<const T> found) {
  double largest = 0.0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  return relative_gap(expected, found) * std::min(largest, 1.0);
}

/// One sequence of a golden file.
struct supervised_case {
  std::string key = {};
  std::vector<std::int32_t> ids = {};
  dnalm::ragged_offsets offsets = {};
};

/// Predictions and embedding.
template <class Network>
void compare_states(const Network& network, const dnalm::io::safetensors_file& expected,
                    const supervised_case& c, supervised_gaps& gaps) {
  using T = typename Network::scalar;
  typename Network::workspace workspace;
  const std::vector<named_state> states = golden_states(network.config());
  const auto on_state = [&](index_t state, dnalm::matrix_view<const T> x) {
    for (const named_state& wanted : states) {
      if (wanted.state != state || !expected.contains(c.key + wanted.tensor)) continue;
      INFO(c.key << wanted.tensor);
      gaps.outputs = std::max(gaps.outputs, output_gap(read_numbers(expected, c.key + wanted.tensor), x));
      ++gaps.compared;
    }
  };
  network.forward({c.ids, c.offsets}, on_state, nullptr, workspace);
}

/// The gradient of the formula's sum of all predictions by the one-hot letters, columns A, C, G, T.
template <class Network>
void compare_gradient(const Network& network, const dnalm::io::safetensors_file& expected,
                      const supervised_case& c, supervised_gaps& gaps) {
  using T = typename Network::scalar;
  typename Network::workspace workspace;
  const std::vector<double> wanted = numbers_of_inputs(expected, c.key + "gradient");
  const std::vector<double> rounded = numbers_of_inputs(expected, c.key + "f32.gradient");
  const std::vector<named_state> states = golden_states(network.config());
  dnalm::basic_gradient_request<T> request;
  request.tokens = true;
  for (const named_state& state : states) {
    if (state.tensor != "embedding") request.layers.push_back(state.state);
  }
  request.hidden = [&](index_t of, dnalm::matrix_view<const T>, dnalm::matrix_view<T> g) {
    for (const named_state& state : states) {
      if (state.state == of && state.tensor != "embedding") fill_formula(state.tensor, g);
    }
  };
  const auto compare = [&](const dnalm::basic_input_gradient<T>& found) {
    INFO(c.key << "gradient");
    gaps.gradients = std::max(gaps.gradients, relative_gap(wanted, found.tokens.column_block(0, 4)));
    ++gaps.compared;
    ++gaps.with_gradient;
  };
  network.gradient({c.ids, c.offsets}, request, compare, workspace);
  const dnalm::matrix_view<const double> in_float{rounded.data(), static_cast<index_t>(rounded.size()), 1, 1};
  gaps.float_error = std::max(gaps.float_error, relative_gap(wanted, in_float));
}

/// All sequences of a golden file, each by itself. Network: layer_network, or what has its members.
template <class Network>
[[nodiscard]] supervised_gaps compare_supervised(const Network& network,
                                                 const dnalm::io::safetensors_file& expected) {
  supervised_gaps gaps;
  for (int j = 0; expected.contains("case" + std::to_string(j) + ".sequence"); ++j) {
    supervised_case c{"case" + std::to_string(j) + "."};
    c.ids = golden_letters(expected, c.key + "sequence");
    c.offsets.append(static_cast<index_t>(c.ids.size()));
    compare_states(network, expected, c, gaps);
    if (expected.contains(c.key + "gradient")) compare_gradient(network, expected, c, gaps);
  }
  return gaps;
}

/// A golden folder as load_model would read it.
[[nodiscard]] inline dnalm::layer_graph golden_graph(const std::filesystem::path& folder) {
  return std::get<dnalm::layer_graph>(dnalm::read_network_config(folder));
}
template <class B>
[[nodiscard]] supervised_gaps run_supervised(const std::string& name, const B& backend) {
  const std::filesystem::path folder = golden_supervised / name;
  const dnalm::layer_graph graph = golden_graph(folder);
  const dnalm::checkpoint_source source(dnalm::open_model_weights(folder), dnalm::plan_tensors(graph), name);
  const dnalm::layer_network<B> network(backend, graph, source);
  return compare_supervised(
      network, dnalm::io::safetensors_file(golden_supervised / "expected" / (name + ".safetensors")));
}

/// The bounds of CONTRIBUTING.md: double, and float. A golden file has a gradient of one sequence at least.
inline void check_gaps(const supervised_gaps& exact, const supervised_gaps& rounded) {
  INFO("double " << exact.outputs << ", gradients " << exact.gradients << "; float " << rounded.outputs
                 << ", gradients " << rounded.gradients << ", of the reference itself "
                 << rounded.float_error);
  CHECK(exact.compared >= 3);
  REQUIRE(exact.with_gradient >= 1);
  CHECK(exact.compared == rounded.compared);
  CHECK(exact.with_gradient == rounded.with_gradient);
  CHECK(exact.outputs <= 1e-9);
  CHECK(exact.gradients <= 1e-9);
  CHECK(rounded.outputs <= 1e-4);
  CHECK(rounded.gradients <= std::max(1e-4, 4.0 * rounded.float_error));
}

}  // namespace dnalm_test
