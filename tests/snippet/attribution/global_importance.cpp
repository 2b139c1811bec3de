// SPDX-License-Identifier: Apache-2.0
// What does a planted motif do to a function, averaged over shuffled backgrounds?
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/global_importance.hpp>

int main() {
  const dnalm::sequence_function counts_gata{
      .outputs = 1, .evaluate = [](std::span<const std::string> sequences, std::span<double> values) {
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          values[i] = sequences[i].find("GATA") == std::string::npos ? 0 : 1;
        }
      }};
  const std::vector<std::string> sequences = {"ACGGTCATTAGCCATTACGGACTTAGGCATCC"};
  const dnalm::global_importance importance(counts_gata, dnalm::shuffled_backgrounds(sequences, 50, 2, 1));
  const dnalm::planted_motif motif{"GATA", 10};
  const auto test = importance.effect({&motif, 1}).outputs[0];
  std::cout << "effect " << test.mean << " +- " << test.standard_error << " over " << test.count
            << " backgrounds\n";
}
