// SPDX-License-Identifier: Apache-2.0
// A predictor that likes position 2 to pair with position 0: one entry of each map.
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>

int main() {
  const auto pairing = [](std::span<const std::string> sequences) {
    std::vector<dnalm::nucleotide_map> maps;
    for (const std::string& sequence : sequences) {
      dnalm::nucleotide_map weights(3);
      weights(3 - dnalm::base_code(sequence[0]), 2) = 2.0;  // the complement
      maps.push_back(dnalm::log_probabilities_of(weights));
    }
    return maps;
  };
  const auto found = dnalm::nucleotide_dependencies("GAC", pairing);
  std::cout << std::fixed << std::setprecision(3);
  const auto print = [](const std::string& name, const dnalm::dependency_map& map) {
    std::cout << name << '\n';
    for (dnalm::index_t i = 0; i < 3; ++i) {
      for (dnalm::index_t j = 0; j < 3; ++j) std::cout << std::setw(7) << map(i, j) << (j < 2 ? "" : "\n");
    }
  };
  print("log-odds", found.log_odds);
  print("Jacobian", found.jacobian);
  const auto both = dnalm::symmetrized(found.jacobian);
  print("symmetric", both);
  print("less the product of its row and column", dnalm::average_product_corrected(both));
  std::cout << "influence of G0A " << found.influence(0, 0) << ", of A1C " << found.influence(1, 1) << '\n';
}
