// SPDX-License-Identifier: Apache-2.0
// An encoder on a backend of choice sees a ragged batch; the observer sees every hidden state.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/models/backends.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/random_source.hpp>

int main(int, char** argv) {
  const auto config = dnalm::read_encoder_config(std::string(argv[1]) + "/tests/golden/models/nt_v2_d8");
  const dnalm::encoder<dnalm::reference_backend> network({}, config, dnalm::random_source(1, 0.02));
  const std::vector<std::int32_t> ids = {3, 7, 21, 9, 3, 8};  // two sequences
  dnalm::ragged_offsets batch;
  batch.append(4);
  batch.append(2);
  dnalm::encoder_workspace<dnalm::reference_backend> workspace;
  const auto print = [](dnalm::index_t layer, dnalm::matrix_view<const double> hidden) {
    std::cout << "layer " << layer << ": " << hidden.rows << " x " << hidden.columns << "\n";
  };
  network.forward({ids, batch}, print, nullptr, workspace);
}
