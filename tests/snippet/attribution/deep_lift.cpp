// SPDX-License-Identifier: Apache-2.0
// Contributions of bases to a channel of the last hidden state, against three shuffles.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/sequence/shuffle.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-gpn");
  dnalm::fitted_probe probe;
  probe.layer = model.describe().layers();
  probe.pooling = "mean";
  probe.width = model.describe().width();
  probe.targets = {{.name = "first"}};
  probe.intercept = {0};
  probe.weights.resize(static_cast<std::size_t>(probe.width));
  probe.weights[0] = 1;
  const dnalm::attribution_targets targets(model, probe);

  const std::string sequence = "ATGGCTAAATCCCAAGGTATT";
  std::vector<std::string> shuffles;
  for (std::uint32_t replicate = 0; replicate < 3; ++replicate) {
    shuffles.push_back(dnalm::shuffle_sequence(sequence, 2, {.replicate = replicate}));
  }
  const auto map =
      dnalm::deep_lift(targets, 0, sequence, dnalm::sequence_references(shuffles), {.residuals = true});
  double contributed = 0;
  for (const double value : map.contributions.values) contributed += value;
  double reference = 0;
  for (const double value : map.reference_values) reference += value / 3;
  std::cout << std::fixed << std::setprecision(3) << "sum of contributions " << contributed
            << ", f(x) - mean f(r) " << map.value - reference << '\n';
  std::cout << "each reference complete to 1e-5: " << (std::abs(map.largest_delta()) < 1e-5 ? "yes" : "no")
            << '\n';
  double residual = 0;
  for (const auto& states : map.residuals) {
    for (const double state : states) residual = std::max(residual, std::abs(state));
  }
  std::cout << map.residuals[0].size()
            << " hidden states, each complete to 1e-5: " << (residual < 1e-5 ? "yes" : "no") << '\n';
  for (int letter = 0; letter < 4; ++letter) {
    std::cout << "ACGT"[letter];
    for (dnalm::index_t i = 4; i < 8; ++i) std::cout << std::setw(7) << map.hypothetical(letter, i);
    std::cout << '\n';
  }
}
