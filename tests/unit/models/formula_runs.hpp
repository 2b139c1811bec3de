// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The authors' own code on weights made by a formula: what came out of it stands in the tests.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/models/model.hpp>
#include <dnalm/models/tensor_plan.hpp>
#include <support/catch.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// The rule of the original runs: K = sum of the bytes of a tensor's name mod 97, value i = 0.3 sin(0.7 i +
/// K) in double, rounded to float; weights of norms 1 + half of it.
class formula_source final : public dnalm::weight_source {
 public:
  /// What the rule reads of a tensor.
  struct reading {
    std::string name = {};
    bool norm = false;
  };
  explicit formula_source(std::function<reading(const dnalm::planned_tensor&)> read)
      : read_(std::move(read)) {}

  [[nodiscard]] bool contains(const dnalm::planned_tensor& tensor) const override { return tensor.required; }
  void read(const dnalm::planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const dnalm::planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  void fill(const dnalm::planned_tensor& tensor, std::span<T> out) const {
    const reading found = read_(tensor);
    int k = 0;
    for (const char letter : found.name) k += static_cast<unsigned char>(letter);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double value = 0.3 * std::sin(0.7 * static_cast<double>(i) + static_cast<double>(k % 97));
      out[i] = static_cast<T>(static_cast<float>(found.norm ? 1.0 + 0.5 * value : value));
    }
  }

  std::function<reading(const dnalm::planned_tensor&)> read_;
};

/// What an original run gave for a sequence.
struct formula_run {
  std::vector<std::int32_t> ids = {};
  std::map<index_t, std::vector<double>> rows = {};  ///< of the last hidden state
  double sum = 0.0;                                  ///< of all its numbers
  double size = 0.0;                                 ///< of their sizes; 0: neither is compared
  std::vector<double> logits = {};                   ///< of the first position, tokens 7 and on
};

/// Every number within `within`, sums within as much of each of theirs.
template <template <class> class Network, class B, class Config>
void check_formula_run(const B& backend, const Config& config, const formula_source& source,
                       const formula_run& expected, double within) {
  using T = typename B::scalar;
  const Network<B> network(backend, config, source);
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(expected.ids.size()));
  typename Network<B>::workspace workspace;
  double sum = 0.0;
  double size = 0.0;
  const auto on_layer = [&](index_t layer, dnalm::matrix_view<const T> x) {
    if (layer < config.layers) return;
    for (const auto& [row, values] : expected.rows) {
      for (index_t c = 0; c < config.width; ++c) {
        INFO("row " << row << ", channel " << c);
        CHECK(std::abs(static_cast<double>(x(row, c)) - values[static_cast<std::size_t>(c)]) < within);
      }
    }
    for (index_t i = 0; i < x.rows * x.columns; ++i) {
      sum += static_cast<double>(x(i / x.columns, i % x.columns));
      size += std::abs(static_cast<double>(x(i / x.columns, i % x.columns)));
    }
  };
  const auto on_logits = [&](dnalm::matrix_view<const T> x) {
    for (std::size_t i = 0; i < expected.logits.size(); ++i) {
      INFO("logit of token " << 7 + i);
      const auto found = static_cast<double>(x(0, 7 + static_cast<index_t>(i)));
      CHECK(std::abs(found - expected.logits[i]) < within);
    }
  };
  const typename Network<B>::logits_receiver receiver = on_logits;
  network.forward({expected.ids, offsets}, on_layer, &receiver, workspace);
  if (expected.size == 0.0) return;
  const double numbers = static_cast<double>(expected.ids.size()) * static_cast<double>(config.width);
  CHECK(std::abs(sum - expected.sum) < numbers * within);
  CHECK(std::abs(size - expected.size) < numbers * within);
}

}  // namespace dnalm_test
