// SPDX-License-Identifier: Apache-2.0
// GPN's network on the float backend: hidden state 0 is the one-hot sequence, the logits are letters'.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/convnet.hpp>
#include <dnalm/models/random_source.hpp>

int main(int, char** argv) {
  const auto config = dnalm::read_convnet_config(std::string(argv[1]) + "/tests/golden/convnets/gpn_7");
  const dnalm::cpu_convnet network({}, config, dnalm::random_source(1, config.initializer_range));
  const std::vector<std::int32_t> ids = {3, 4, 5, 1, 6};  // acg[MASK]t
  dnalm::ragged_offsets batch;
  batch.append(5);
  dnalm::cpu_convnet::workspace workspace;
  const auto on_layer = [](dnalm::index_t layer, dnalm::matrix_view<const float> x) {
    if (layer == 0) std::cout << "one-hot: " << x(0, 2) << " " << x(0, 3) << " " << x(0, 4) << "\n";
  };
  const auto on_logits = [](dnalm::matrix_view<const float> logits) {
    std::cout << logits.rows << " x " << logits.columns << " logits\n";
  };
  const dnalm::cpu_convnet::logits_receiver receiver = on_logits;
  network.forward({ids, batch}, on_layer, &receiver, workspace);
}
