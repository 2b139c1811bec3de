// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A golden checkpoint run on a backend, and how far its numbers are from the recorded ones.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/checkpoint_source.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/network_config.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_inputs.hpp>

namespace dnalm_test {

/// Largest difference to golden rows, as it is and divided by max(1, largest golden value).
struct gaps {
  double absolute = 0.0;
  double relative = 0.0;

  void include(const gaps& other) {
    absolute = std::max(absolute, other.absolute);
    relative = std::max(relative, other.relative);
  }
};

template <class T>
[[nodiscard]] gaps difference(const std::vector<double>& expected, const golden_batch& batch,
                              dnalm::matrix_view<const T> found) {
  double largest = 1.0;
  double worst = 0.0;
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    for (dnalm::index_t c = 0; c < found.columns; ++c) {
      const double value = expected[static_cast<std::size_t>(batch.rows[i] * found.columns + c)];
      const double gap = std::abs(value - static_cast<double>(found(static_cast<dnalm::index_t>(i), c)));
      largest = std::max(largest, std::abs(value));
      worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
    }
  }
  return {worst, worst / largest};
}

/// Rows of a backend of host memory.
struct rows_as_they_are {
  template <class View>
  [[nodiscard]] View operator()(View x) const {
    return x;
  }
};

/// Worst difference over all batches, hidden states and logits of a case in `folder`, for a kind of network.
/// `rows` makes host views of those of the backend, each valid until the next one.
template <template <class> class Network, class Backend, class Rows = rows_as_they_are>
[[nodiscard]] gaps worst_of_network(const std::filesystem::path& folder, int expected_inputs, Backend backend,
                                    Rows rows = {}) {
  using network_type = Network<Backend>;
  const auto read = dnalm::read_network_config(folder);
  const auto& config = std::get<typename network_type::config_type>(read);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(folder), dnalm::plan_tensors(config),
                                        "golden");
  const network_type network(backend, config, source);
  const dnalm::io::safetensors_file file(folder / "expected.safetensors");
  typename network_type::workspace workspace;
  gaps worst;
  int seen = 0;
  int inputs = 0;
  for (int j = 0; file.contains("case" + std::to_string(j) + ".input_ids"); ++j) {
    const std::string prefix = "case" + std::to_string(j) + ".";
    const golden_batch batch = read_batch(file, prefix);
    const auto on_layer = [&](dnalm::index_t layer, dnalm::input_matrix<Backend> x) {
      ++seen;
      worst.include(
          difference(read_numbers(file, prefix + "hidden." + std::to_string(layer)), batch, rows(x)));
    };
    const auto on_logits = [&](dnalm::input_matrix<Backend> x) {
      worst.include(difference(read_numbers(file, prefix + "logits"), batch, rows(x)));
    };
    const typename network_type::logits_receiver receiver = on_logits;
    network.forward({batch.ids, batch.offsets, batch.types}, on_layer, &receiver, workspace);
    seen -= static_cast<int>(config.layers) + 1;
    ++inputs;
  }
  REQUIRE(seen == 0);
  REQUIRE(inputs == expected_inputs);
  return worst;
}

/// The same for the encoder of a line of INDEX.json.
template <class Backend, class Rows = rows_as_they_are>
[[nodiscard]] gaps worst_of_case(const golden_case& item, Backend backend, Rows rows = {}) {
  return worst_of_network<dnalm::encoder>(golden_models / item.name, item.inputs, backend, rows);
}

}  // namespace dnalm_test
