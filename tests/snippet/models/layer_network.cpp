// SPDX-License-Identifier: Apache-2.0
// A network of layers with random weights, on the reference backend.
#include <iostream>

#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/random_source.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  const dnalm::tensor_table tensors({{"conv.weight", dnalm::dtype::f32, {8, 4, 3}}}, "a file");
  dnalm::graph_builder builder("small", {}, tensors);
  builder.output("rows", builder.convolution(dnalm::graph_builder::input(), "conv"));
  const dnalm::random_source weights(1, 0.3);
  const dnalm::layer_network<dnalm::reference_backend> network({}, builder.take(), weights);
  const std::int32_t ids[] = {0, 1, 2, 3, 4, 0};
  dnalm::ragged_offsets offsets;
  offsets.append(6);
  dnalm::layer_workspace<dnalm::reference_backend> workspace;
  network.forward(
      {ids, offsets},
      [](dnalm::index_t state, dnalm::matrix_view<const double> x) {
        std::cout << "state " << state << ": " << x.rows << " x " << x.columns << "\n";
      },
      nullptr, workspace);
}
