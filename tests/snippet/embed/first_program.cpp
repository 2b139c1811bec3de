// SPDX-License-Identifier: Apache-2.0
// The first program of README.md: every layer of a model, one vector per sequence.
#include <iostream>

#include <dnalm/dnalm.hpp>

int main(int, char** argv) {
  const dnalm::model model = dnalm::load_model(argv[1]);  // a folder from a model hub
  const std::vector<std::string> sequences = {"ATTCCGATTCCGATTCCG", "ACGTGTACNTGCACGGANCGACTAGTCTGA"};
  const auto e = dnalm::embed(model, sequences, {.poolings = {dnalm::pooling::mean}});
  for (const auto layer : e.layers) {
    const auto& x = e.at(dnalm::pooling::mean, layer);  // (sequences, width), an xt::xtensor
    std::cout << "layer " << layer << ": " << x.shape(0) << " x " << x.shape(1) << "\n";
  }
}
