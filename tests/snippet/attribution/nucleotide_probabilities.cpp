// SPDX-License-Identifier: Apache-2.0
// Log-weights of the four letters become probabilities, entropy, information, log-odds.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/attribution/nucleotide_probabilities.hpp>

int main() {
  dnalm::nucleotide_map logits(2);  // position 0: all alike; position 1: mostly G
  logits(2, 1) = 3.0;
  const dnalm::nucleotide_map log_p = dnalm::log_probabilities_of(logits);
  const auto entropy = dnalm::entropy_bits(log_p);
  const auto information = dnalm::information_bits(log_p);
  std::cout << std::fixed << std::setprecision(3);
  for (dnalm::index_t i = 0; i < 2; ++i) {
    const auto at = static_cast<std::size_t>(i);
    std::cout << dnalm::likeliest_letters(log_p)[at] << " p(G) " << dnalm::probabilities(log_p)(2, i)
              << " entropy " << entropy[at] << " information " << information[at] << " log-odds of G "
              << dnalm::log_odds_bits(log_p)(2, i) << '\n';
  }
  const std::vector<double> norms = {1.0, 2.0};  // of the saliency at the two positions
  const auto product = dnalm::entropy_weighted(norms, entropy, dnalm::largest_entropy(entropy));
  std::cout << "saliency by reversed entropy " << product[0] << ' ' << product[1] << '\n';
}
