// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief DeepLIFT's multipliers of a network on pairs of token sequences, and what they leave unexplained.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/token_batch.hpp>
#include <unit/models/gradient_golden_runs.hpp>

namespace dnalm_test {

/// Pairs: observed sequences, then references of the same lengths.
struct pair_batch {
  std::vector<std::int32_t> ids = {};
  std::vector<std::int32_t> types = {};
  dnalm::ragged_offsets offsets = {};

  [[nodiscard]] dnalm::token_batch tokens() const { return {ids, offsets, types}; }
};

/// The sequences of a batch with references in which every token but those to keep is another one.
template <class Keep>
[[nodiscard]] pair_batch with_references(const std::vector<std::int32_t>& ids,
                                         const dnalm::ragged_offsets& offsets,
                                         const std::vector<std::int32_t>& types, std::int32_t vocabulary,
                                         Keep&& keep) {
  pair_batch pairs{ids, types, offsets};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::int32_t other = ids[i];
    if (!keep(other)) {
      do other = (other + 1 + static_cast<std::int32_t>(i % 3)) % vocabulary;
      while (keep(other));
    }
    pairs.ids.push_back(other);
  }
  for (index_t s = 0; s < offsets.sequences(); ++s) pairs.offsets.append(offsets.length(s));
  pairs.types.insert(pairs.types.end(), types.begin(), types.end());
  return pairs;
}

/// Sum of m (x - x') over the pairs of a matrix, and of the sizes of its terms.
struct explained {
  double sum = 0.0;
  double size = 0.0;
};
template <class M, class X>
[[nodiscard]] explained explain(const M& m, const X& x) {
  explained found;
  for (index_t r = 0; r < x.rows / 2; ++r) {
    for (index_t c = 0; c < x.columns; ++c) {
      const double d = static_cast<double>(x(r, c)) - static_cast<double>(x(r + x.rows / 2, c));
      found.sum += static_cast<double>(m(r, c)) * d;
      found.size += std::abs(static_cast<double>(m(r, c)) * d);
    }
  }
  return found;
}

/// What multipliers explain of S(observed) - S(reference), all pairs together.
struct multiplier_run {
  double difference = 0.0;             ///< S itself
  explained words = {};                ///< by the words' rows
  std::vector<explained> states = {};  ///< by hidden state, from 0 on
  bool alike = true;                   ///< both sequences of every pair got the same multipliers

  /// |explained - difference| by the sum of the terms' sizes.
  [[nodiscard]] double gap(const explained& by) const {
    return std::abs(by.sum - difference) / std::max(std::abs(difference), by.size);
  }
  [[nodiscard]] double words_gap() const { return gap(words); }
  [[nodiscard]] double worst_state() const {
    double worst = 0.0;
    for (const explained& state : states) worst = std::max(worst, gap(state));
    return worst;
  }
};

/// Rows of the observed sequences over those of their references.
template <class T>
void fill_pairs(const std::string& name, dnalm::matrix_view<T> g) {
  const index_t half = g.rows / 2;
  fill_formula(name, g.row_block(0, half));
  for (index_t r = 0; r < half; ++r) std::copy_n(g.row_data(r), g.columns, g.row_data(r + half));
}

/// S = <u(output), output>, `output` the logits or a hidden state. `layers` that a network has.
template <class Network>
[[nodiscard]] multiplier_run run_multipliers(const Network& network, const pair_batch& pairs,
                                             const std::string& output) {
  using T = typename Network::scalar;
  using matrix = dnalm::matrix<T>;
  multiplier_run run;
  std::vector<matrix> states;
  const auto put = [&](dnalm::matrix_view<const T> x, dnalm::matrix_view<T> g) {
    fill_pairs(output, g);
    run.difference = explain(g, x).sum;
  };
  dnalm::basic_gradient_request<T> request;
  request.pairs = true;
  if (output == "logits") {
    request.logits = put;
  } else {
    request.layers = {std::stoll(output.substr(output.find('.') + 1))};
    request.hidden = [&](index_t, dnalm::matrix_view<const T> x, dnalm::matrix_view<T> g) { put(x, g); };
  }
  request.states = [&](index_t layer, dnalm::matrix_view<const T> x) {
    if (states.size() <= static_cast<std::size_t>(layer)) states.resize(static_cast<std::size_t>(layer) + 1);
    matrix& copy = states[static_cast<std::size_t>(layer)];
    copy = matrix(x.rows, x.columns);
    for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, copy.view().row_data(r));
  };
  request.carried = [&](index_t layer, dnalm::matrix_view<const T> m) {
    run.states.push_back(explain(m, states[static_cast<std::size_t>(layer)].view()));
  };
  const auto receive = [&](const dnalm::basic_input_gradient<T>& gradient) {
    const auto m = gradient.words;
    matrix words(m.rows, m.columns);
    network.word_rows(pairs.ids, words.view());
    run.words = explain(m, words.view());
    for (index_t r = 0; r < m.rows / 2; ++r) {
      run.alike =
          run.alike && std::equal(m.row_data(r), m.row_data(r) + m.columns, m.row_data(r + m.rows / 2));
    }
  };
  typename Network::workspace workspace;
  network.gradient(pairs.tokens(), request, receive, workspace);
  return run;
}

}  // namespace dnalm_test
