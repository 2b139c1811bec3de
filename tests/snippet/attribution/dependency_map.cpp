// SPDX-License-Identifier: Apache-2.0
// A predictor that likes position 2 to pair with position 0: one entry of the map.
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
  for (dnalm::index_t i = 0; i < 3; ++i) {
    for (dnalm::index_t j = 0; j < 3; ++j) std::cout << found.log_odds(i, j) << (j < 2 ? ' ' : '\n');
  }
}
