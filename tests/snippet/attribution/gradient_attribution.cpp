// SPDX-License-Identifier: Apache-2.0
// Integrated gradients of a logit from weights of 1/4 sum to f(x) - f(r); beside them means over draws.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-gpn");
  const dnalm::index_t token = model.tokenize("G").ids.front();
  const auto targets = dnalm::attribution_targets::of_logits(model, std::vector<dnalm::index_t>{token});
  const dnalm::relaxed_function f = dnalm::nucleotide_function(targets);
  const std::vector<std::string> sequences = {"GATTACAG"};
  const dnalm::baseline uniform{.kind = dnalm::baseline_kind::uniform};
  const auto found = dnalm::integrated_gradients(f, sequences, {.from = uniform}).front();
  const double change = found.value - found.baseline_value;
  std::cout << std::fixed << std::setprecision(2) << "f(x) - f(r) " << change << ", complete "
            << (std::abs(found.delta) <= 1e-3 * std::max(1.0, std::abs(change)) ? "yes" : "no") << '\n';
  const auto print = [&](const char* what, const dnalm::nucleotide_map& map) {
    std::cout << what;
    for (const double value : dnalm::observed_values(map, sequences[0])) std::cout << ' ' << value;
    std::cout << '\n';
  };
  print("integrated", found.map);
  const auto expected = dnalm::expected_gradients(f, sequences, {.from = uniform, .samples = 64}).front();
  print("expected  ", expected.map);
  std::cout << "off by " << std::abs(expected.delta) << " after " << expected.nodes << " samples\n";
  print("saliency  ", dnalm::saliency(f, sequences).front().map);
  print("smooth    ", dnalm::smooth_grad(f, sequences, {.deviation = 0.2, .samples = 32}).front().map);
}
