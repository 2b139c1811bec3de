// SPDX-License-Identifier: Apache-2.0
// A function that knows its substitutions by heart; for networks of layers predictions_of_edits makes one.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/attribution/substitution_function.hpp>

int main() {
  const dnalm::substitution_function gc{
      .outputs = 1,
      .evaluate = [](const std::string& sequence, std::span<const dnalm::substitution> edits,
                     std::span<double> values) {
        const auto counts = [](char letter) { return letter == 'G' || letter == 'C' ? 1 : 0; };
        int all = 0;
        for (const char letter : sequence) all += counts(letter);
        for (std::size_t e = 0; e < edits.size(); ++e) {
          values[e] = all;
          if (edits[e].letter < 0) continue;  // the sequence itself
          values[e] +=
              counts("ACGT"[edits[e].letter]) - counts(sequence[static_cast<std::size_t>(edits[e].position)]);
        }
      }};
  const std::vector<std::string> sequences = {"GAT"};
  const auto found = dnalm::find_substitution_effects(sequences, gc).front();
  for (dnalm::index_t b = 0; b < 4; ++b) {
    std::cout << "ACGT"[b];
    for (dnalm::index_t i = 0; i < 3; ++i) std::cout << ' ' << found.effects[0](b, i);
    std::cout << '\n';
  }
}
