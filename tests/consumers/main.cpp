// SPDX-License-Identifier: Apache-2.0
// What a user of the installed package writes. Argument 1: the folder of dnalm's sources, for its bundled
// model.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>

int main(int, char** argv) {
  const dnalm::model model =
      dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const std::vector<std::string> sequences = {"ATTCCGATTCCGATTCCG", "ACGTN"};
  const auto e = dnalm::embed(model, sequences);
  const auto& last = e.at(dnalm::pooling::mean, model.describe().layers());
  std::cout << last.shape(0) << " x " << last.shape(1) << "\n";
  return last.shape(0) == 2 ? 0 : 1;
}
