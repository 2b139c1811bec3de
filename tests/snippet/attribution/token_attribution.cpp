// SPDX-License-Identifier: Apache-2.0
// Scores of 6-mers, spread evenly over their bases.
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/token_attribution.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const dnalm::index_t token = model.tokenize("ATTGTC").ids.back();
  const auto targets = dnalm::attribution_targets::of_logits(model, std::vector<dnalm::index_t>{token});
  const std::vector<std::string> sequences = {"ATGGCTAAATCCCAAGGTATTGTC"};
  const auto scores = dnalm::token_attribution(targets, sequences).front();
  std::cout << std::fixed << std::setprecision(1);
  for (std::size_t t = 0; t < scores.tokens.ids.size(); ++t) {
    std::cout << std::setw(7) << model.describe().tokens->token(scores.tokens.ids[t]) << ": norm "
              << scores.gradient_norm[t] << '\n';
  }
  const auto bases = dnalm::spread_over_bases(scores.tokens, scores.gradient_norm, 24);
  std::cout << "first base " << bases.front() << '\n';
}
