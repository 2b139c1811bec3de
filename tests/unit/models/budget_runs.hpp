// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All that a gradient of a network of layers shows, with a budget for what it keeps.
#pragma once

#include <vector>

#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/token_batch.hpp>

namespace dnalm_test {

/// Numbers that depend on S's number and a place; of pairs the same for both sequences.
template <class T>
void fill_by_number(dnalm::index_t number, dnalm::index_t output, bool pairs, dnalm::matrix_view<T> y) {
  const dnalm::index_t period = pairs ? y.rows / 2 : y.rows;
  for (dnalm::index_t r = 0; r < y.rows; ++r) {
    for (dnalm::index_t c = 0; c < y.columns; ++c) {
      y(r, c) = static_cast<T>(
          static_cast<double>((7 * (r % period) + 3 * c + 5 * number + output) % 11) / 11.0 - 0.4);
    }
  }
}

/// Appends all numbers.
template <class T>
void collect(dnalm::matrix_view<T> x, std::vector<double>& to) {
  for (dnalm::index_t r = 0; r < x.rows; ++r) {
    for (dnalm::index_t c = 0; c < x.columns; ++c) to.push_back(static_cast<double>(x(r, c)));
  }
}

/// What a gradient is asked for.
struct budget_case {
  std::vector<dnalm::index_t> layers = {};
  bool logits = true;
  dnalm::index_t numbers = 1;
  bool pairs = false;
};

/// A request that appends all it sees to `seen`. Of the states' gradients `number` tells which S.
template <class T>
[[nodiscard]] dnalm::basic_gradient_request<T> watching_request(const budget_case& c,
                                                                dnalm::index_t keep_bytes,
                                                                dnalm::index_t& number,
                                                                std::vector<double>& seen) {
  dnalm::basic_gradient_request<T> request;
  request.layers = c.layers;
  request.keep_bytes = keep_bytes;
  request.numbers = c.numbers;
  request.pairs = c.pairs;
  request.tokens = true;
  request.select = [&number](dnalm::index_t chosen) { number = chosen; };
  request.hidden = [&](dnalm::index_t layer, dnalm::matrix_view<const T> x, dnalm::matrix_view<T> g) {
    collect(x, seen);
    fill_by_number(number, layer, c.pairs, g);
  };
  if (c.logits) {
    request.logits = [&](dnalm::matrix_view<const T> x, dnalm::matrix_view<T> g) {
      collect(x, seen);
      fill_by_number(number, 100, c.pairs, g);
    };
  }
  request.states = [&](dnalm::index_t, dnalm::matrix_view<const T> x) { collect(x, seen); };
  request.carried = [&](dnalm::index_t, dnalm::matrix_view<const T> g) { collect(g, seen); };
  return request;
}

/// Hidden states, S's own gradients' outputs, what is carried back, the gradients by words and tokens.
template <class Network>
[[nodiscard]] std::vector<double> seen_with_budget(const Network& network, const dnalm::token_batch& batch,
                                                   const budget_case& c, dnalm::index_t keep_bytes,
                                                   typename Network::workspace& workspace) {
  using T = typename Network::scalar;
  std::vector<double> seen;
  dnalm::index_t number = 0;
  const auto request = watching_request<T>(c, keep_bytes, number, seen);
  network.gradient(
      batch, request,
      [&](const dnalm::basic_input_gradient<T>& g) {
        collect(g.words, seen);
        collect(g.tokens, seen);
      },
      workspace);
  return seen;
}

}  // namespace dnalm_test
