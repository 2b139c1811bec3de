// SPDX-License-Identifier: Apache-2.0
// A model folder as its hub publishes it, and its twin that has learnt nothing.
#include <iostream>
#include <string>

#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const auto twin = dnalm::random_twin(model, 1);
  for (const auto& each : {model, twin}) {
    const dnalm::model_description& about = each.describe();
    std::cout << about.name << ": " << about.architecture_name() << ", " << about.layers()
              << " layers, width " << about.width() << ", " << about.parameters << " parameters, on "
              << about.backend << "\n";
  }
}
