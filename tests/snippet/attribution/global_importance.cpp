// SPDX-License-Identifier: Apache-2.0
// What does a planted motif do to a function, averaged over shuffled backgrounds, and what do two together?
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/global_importance.hpp>

int main() {
  // 1 with a GATA, and 3 with one that CACC follows after two bases.
  const dnalm::sequence_function sites{
      .outputs = 1, .evaluate = [](std::span<const std::string> sequences, std::span<double> values) {
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          const std::string& text = sequences[i];
          for (std::size_t at = text.find("GATA"); at != std::string::npos; at = text.find("GATA", at + 1)) {
            const double here = text.compare(std::min(at + 6, text.size()), 4, "CACC") == 0 ? 3 : 1;
            values[i] = std::max(values[i], here);
          }
        }
      }};
  const std::vector<std::string> sequences = {"ACGGTCATTAGCCATTACGGACTTAGGCATCC"};
  const dnalm::global_importance importance(sites, dnalm::shuffled_backgrounds(sequences, 50, 2, 1));
  const dnalm::planted_motif gata{"GATA", 10};
  const auto test = importance.effect({&gata, 1}).outputs[0];
  std::cout << "effect " << test.mean << " +- " << test.standard_error << " over " << test.count
            << " backgrounds\n";
  std::cout << std::fixed << std::setprecision(2);
  const dnalm::planted_motif near{"CACC", 16};
  const dnalm::planted_motif far{"CACC", 25};
  for (const dnalm::planted_motif& cacc : {near, far}) {
    std::cout << "together with CACC at " << cacc.position << ' '
              << importance.interaction({&gata, 1}, {&cacc, 1}).outputs[0].mean << '\n';
  }
  const std::vector<dnalm::index_t> gaps = {1, 2, 3};
  std::cout << "gaps";
  for (const auto& effect : importance.spacing_curve(gata, "CACC", gaps)) {
    std::cout << ' ' << effect.outputs[0].mean;
  }
  const std::vector<dnalm::index_t> positions = {4, 12, 20};
  std::cout << "\nplaces";
  for (const auto& effect : importance.position_curve("GATA", positions)) {
    std::cout << ' ' << effect.outputs[0].mean;
  }
  std::cout << "\ncopies";
  for (const auto& effect : importance.multiplicity_curve("GATA", positions)) {
    std::cout << ' ' << effect.outputs[0].mean;
  }
  std::cout << '\n';
}
