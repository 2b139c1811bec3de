// SPDX-License-Identifier: Apache-2.0
// A Caduceus-PS of random weights: one pass over two sequences.
#include <iostream>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/caduceus_network.hpp>
#include <dnalm/models/random_source.hpp>

int main() {
  dnalm::caduceus_config config;
  config.layers = 2;
  config.channels = 8;
  config.width = 16;
  config.vocabulary = 16;
  config.inner = 16;
  config.rank = 1;
  config.two_strands = true;
  config.exchanges_strands = true;
  config.complement = {0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11, 12, 13, 14, 15};
  using network_type = dnalm::caduceus_network<dnalm::cpu_backend>;
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
