// SPDX-License-Identifier: Apache-2.0
// A probe's outputs as a function of sequences: here the first two channels of the last hidden state.
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-gpn");
  dnalm::fitted_probe probe;
  probe.layer = model.describe().layers();
  probe.pooling = "mean";
  probe.width = model.describe().width();
  probe.targets = {{.name = "first"}, {.name = "second", .first_output = 1}};
  probe.intercept = {0, 1};
  probe.weights.resize(static_cast<std::size_t>(2 * probe.width));
  probe.weights[0] = 1;
  probe.weights[static_cast<std::size_t>(probe.width) + 1] = 1;
  const dnalm::attribution_targets targets(model, probe);
  const std::vector<std::string> sequences = {"ATGGCTAAATCCCAAGGTATT", "TTTTTTTTTTTTTTTTTTTTT"};
  const std::vector<double> values = targets.function()(sequences);
  std::cout << std::fixed << std::setprecision(2);
  for (dnalm::index_t t = 0; t < targets.size(); ++t) {
    const auto at = static_cast<std::size_t>(t);
    std::cout << targets.name(t) << ": " << values[at] << ' ' << values[at + 2] << '\n';
  }
}
