// SPDX-License-Identifier: Apache-2.0
// A HyenaDNA network of random weights: one pass over two sequences.
#include <iostream>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/hyena_network.hpp>
#include <dnalm/models/random_source.hpp>

int main() {
  dnalm::hyena_config config;
  config.layers = 2;
  config.width = 8;
  config.feed_forward = 32;
  config.vocabulary = 16;
  config.positions = 1026;
  config.embedding = 5;
  config.filter_order = 4;
  using network_type = dnalm::hyena_network<dnalm::cpu_backend>;
  const network_type network(dnalm::cpu_backend(), config, dnalm::random_source(1, 0.02));
  const std::vector<std::int32_t> ids{7, 8, 9, 10, 1, 7, 7, 1};
  dnalm::ragged_offsets offsets;
  offsets.append(5);
  offsets.append(3);
  const auto on_layer = [](dnalm::index_t layer, dnalm::matrix_view<const float> x) {
    std::cout << "layer " << layer << ": " << x.rows << " x " << x.columns << "\n";
  };
  const auto on_logits = [](dnalm::matrix_view<const float> x) {
    std::cout << "logits: " << x.rows << " x " << x.columns << "\n";
  };
  const network_type::logits_receiver receiver = on_logits;
  network_type::workspace workspace;
  network.forward({ids, offsets}, on_layer, &receiver, workspace);
}
