// SPDX-License-Identifier: Apache-2.0
// An encoder of your own making behind the interface that embed() and the probes take.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/model_of.hpp>
#include <dnalm/models/random_source.hpp>

int main(int, char** argv) {
  const auto config = dnalm::read_encoder_config(std::string(argv[1]) + "/tests/golden/models/nt_v2_d8");
  dnalm::cpu_encoder network({}, config, dnalm::random_source(1, 0.02));
  const dnalm::model model(std::make_shared<dnalm::model_of<dnalm::cpu_encoder>>(std::move(network)),
                           {.name = "mine", .backend = "cpu", .config = config});
  const std::vector<std::int32_t> ids = {3, 7, 21};
  dnalm::ragged_offsets batch;
  batch.append(3);
  dnalm::forward_workspace workspace;
  const auto print = [&](dnalm::index_t layer, dnalm::matrix_view<const float> hidden) {
    if (layer == config.layers)
      std::cout << model.describe().name << ": " << hidden.rows << " x " << hidden.columns;
  };
  model.forward({ids, batch}, print, workspace);
  std::cout << "\n";
}
