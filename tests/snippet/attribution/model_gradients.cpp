// SPDX-License-Identifier: Apache-2.0
// Which bases raise the mean logit of a token: the gradient through the model down to the nucleotide.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-gpn");
  const dnalm::index_t token = model.tokenize("G").ids.front();
  const auto targets = dnalm::attribution_targets::of_logits(model, std::vector<dnalm::index_t>{token});
  const dnalm::relaxed_function f = dnalm::nucleotide_function(targets);
  const std::string sequence = "GATTACAG";
  const std::vector<dnalm::relaxed_point> points = {{sequence, dnalm::one_hot_weights(sequence)}};
  const dnalm::relaxed_values found = f(points);
  std::cout << std::fixed << std::setprecision(2) << "mean logit of G " << found.values[0] << '\n';
  for (dnalm::index_t a = 0; a < 4; ++a) {
    std::cout << "ACGT"[a];
    for (dnalm::index_t i = 0; i < 8; ++i) {
      std::cout << std::setw(5) << std::lround(1000 * found.gradients[0].letters(a, i));
    }
    std::cout << '\n';
  }
}
