// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Golden checkpoints of networks whose cases are sequences of ids (make_hyena.py, make_caduceus.py in
/// tests/golden/make) run on a backend.
///
/// Case `name` of a folder is the checkpoint in folder/name and the tensors `input<j>.ids`,
/// `input<j>.hidden.<k>`, `input<j>.logits` and `input<j>.gradient.<output>` of
/// folder/expected/name.safetensors.
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/model.hpp>
#include <support/catch.hpp>
#include <unit/models/golden_inputs.hpp>
#include <unit/models/gradient_golden_runs.hpp>

namespace dnalm_test {

/// Sequences one behind the other.
struct packed_batch {
  std::vector<std::int32_t> ids = {};
  dnalm::ragged_offsets offsets = {};

  void append(const std::vector<std::int32_t>& own) {
    ids.insert(ids.end(), own.begin(), own.end());
    offsets.append(static_cast<index_t>(own.size()));
  }
};

/// What a golden case expects.
class expected_sequences {
 public:
  expected_sequences(const std::filesystem::path& folder, const std::string& name)
      : file_(folder / "expected" / (name + ".safetensors")) {}

  [[nodiscard]] bool has(int j) const { return file_.contains(key(j, "ids")); }
  [[nodiscard]] std::vector<std::int32_t> ids(int j) const {
    std::vector<std::int32_t> ids;
    for (const double id : read_numbers(file_, key(j, "ids"))) ids.push_back(static_cast<std::int32_t>(id));
    return ids;
  }
  [[nodiscard]] packed_batch batch() const {
    packed_batch all;
    for (int j = 0; has(j); ++j) all.append(ids(j));
    return all;
  }
  /// `hidden.<k>` or `logits` of sequence j.
  [[nodiscard]] std::vector<double> output(int j, const std::string& name) const {
    return read_numbers(file_, key(j, name));
  }
  [[nodiscard]] std::string gradient_key(int j, const std::string& output) const {
    return key(j, "gradient." + output);
  }
  [[nodiscard]] const dnalm::io::safetensors_file& file() const { return file_; }

 private:
  [[nodiscard]] static std::string key(int j, const std::string& name) {
    return "input" + std::to_string(j) + "." + name;
  }
  dnalm::io::safetensors_file file_;
};

/// Largest difference of rows [first, first + expected / columns) of a packed output, divided by max(1,
/// largest expected number) where `relative`.
template <class T>
double gap_of_rows(const std::vector<double>& expected, dnalm::matrix_view<const T> found, index_t first,
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

/// The largest gap of all hidden states and the logits of all sequences of a case, in one batch.
/// run(batch, on_layer, on_logits) is a forward pass in T of a network with so many layers.
template <class T, class Run>
double worst_of_sequences(const expected_sequences& expected, index_t layers, bool relative, const Run& run) {
  const packed_batch batch = expected.batch();
  double worst = 0.0;
  index_t seen = 0;
  const auto compare = [&](const std::string& output, dnalm::matrix_view<const T> x) {
    for (index_t s = 0; s < batch.offsets.sequences(); ++s) {
      const auto values = expected.output(static_cast<int>(s), output);
      REQUIRE(static_cast<index_t>(values.size()) == batch.offsets.length(s) * x.columns);
      worst = std::max(worst, gap_of_rows(values, x, batch.offsets.begin(s), relative));
    }
    ++seen;
  };
  run(
      dnalm::token_batch{batch.ids, batch.offsets, {}},
      [&](index_t layer, dnalm::matrix_view<const T> x) { compare("hidden." + std::to_string(layer), x); },
      [&](dnalm::matrix_view<const T> x) { compare("logits", x); });
  REQUIRE(seen == layers + 2);
  return worst;
}

/// Every stored gradient of a case; run(batch, request, receive) makes one in T.
template <class T, class Run>
std::vector<gradient_gap> gradients_of_sequences(const expected_sequences& expected, index_t layers,
                                                 const Run& run) {
  std::vector<std::string> outputs = {"logits"};
  for (index_t layer = 1; layer <= layers; ++layer) outputs.push_back("hidden." + std::to_string(layer));
  std::vector<gradient_gap> found;
  for (int j = 0; expected.has(j); ++j) {
    packed_batch one;
    one.append(expected.ids(j));
    for (const std::string& output : outputs) {
      const std::string key = expected.gradient_key(j, output);
      if (!expected.file().contains(key)) continue;
      const auto values = read_numbers(expected.file(), key);
      const auto compare = [&](const dnalm::basic_input_gradient<T>& gradient) {
        found.push_back({key, relative_gap(values, gradient.words),
                         read_numbers(expected.file(), key + ".f32_error")[0]});
      };
      run(dnalm::token_batch{one.ids, one.offsets, {}}, formula_request<T>(output), compare);
    }
  }
  return found;
}

/// Both of a loaded model.
inline double worst_of_loaded(const expected_sequences& expected, const dnalm::model& model, bool relative) {
  dnalm::forward_workspace workspace;
  return worst_of_sequences<float>(
      expected, model.describe().layers(), relative,
      [&](const dnalm::token_batch& batch, const auto& on_layer, const auto& on_logits) {
        model.forward(batch, on_layer, on_logits, workspace);
      });
}
inline std::vector<gradient_gap> gradients_of_loaded(const expected_sequences& expected,
                                                     const dnalm::model& model) {
  dnalm::forward_workspace workspace;
  return gradients_of_sequences<float>(
      expected, model.describe().layers(),
      [&](const dnalm::token_batch& batch, const dnalm::gradient_request& request, const auto& receive) {
        model.input_gradients(batch, request, receive, workspace);
      });
}

/// worst_of_sequences of a kind of network on a backend of host memory; in pieces where `piece` is not 0.
template <template <class> class Network, class B>
double worst_of_case(const std::filesystem::path& folder, const std::string& name, const B& backend,
                     bool relative, index_t piece = 0) {
  using network_type = Network<B>;
  const network_type network = golden_network<Network>(folder / name, backend);
  typename network_type::workspace workspace;
  workspace.piece = piece;
  return worst_of_sequences<typename B::scalar>(
      expected_sequences(folder, name), network.config().layers, relative,
      [&](const dnalm::token_batch& batch, const auto& on_layer, const auto& on_logits) {
        const typename network_type::logits_receiver receiver = on_logits;
        network.forward(batch, on_layer, &receiver, workspace);
      });
}

/// gradients_of_sequences likewise.
template <template <class> class Network, class B>
std::vector<gradient_gap> gradients_of_case(const std::filesystem::path& folder, const std::string& name,
                                            const B& backend) {
  using T = typename B::scalar;
  const Network<B> network = golden_network<Network>(folder / name, backend);
  typename Network<B>::workspace workspace;
  return gradients_of_sequences<T>(
      expected_sequences(folder, name), network.config().layers,
      [&](const dnalm::token_batch& batch, const dnalm::basic_gradient_request<T>& request,
          const auto& receive) { network.gradient(batch, request, receive, workspace); });
}

}  // namespace dnalm_test
