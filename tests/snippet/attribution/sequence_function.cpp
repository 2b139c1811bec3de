// SPDX-License-Identifier: Apache-2.0
// Anything that gives numbers for sequences can be perturbed: here the share of G and C.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/sequence_function.hpp>
#include <dnalm/sequence/alphabet.hpp>

int main() {
  const dnalm::sequence_function gc{
      .outputs = 1, .evaluate = [](std::span<const std::string> sequences, std::span<double> values) {
        for (std::size_t i = 0; i < sequences.size(); ++i) values[i] = dnalm::gc_content(sequences[i]);
      }};
  const std::vector<std::string> sequences = {"GATTACA", "GCGC"};
  for (const double value : gc(sequences)) std::cout << value << '\n';
}
