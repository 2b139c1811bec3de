// SPDX-License-Identifier: Apache-2.0
// Every substitution of a sequence and what it does to a function: here the number of TATA.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/substitution_effects.hpp>

int main() {
  const dnalm::sequence_function boxes{
      .outputs = 1, .evaluate = [](std::span<const std::string> sequences, std::span<double> values) {
        for (std::size_t i = 0; i < sequences.size(); ++i) {
          for (std::size_t at = sequences[i].find("TATA"); at != std::string::npos;
               at = sequences[i].find("TATA", at + 1)) {
            values[i] += 1;
          }
        }
      }};
  const std::vector<std::string> sequences = {"GCTATACC"};
  const auto found = dnalm::find_substitution_effects(sequences, boxes).front();
  const auto centred = dnalm::centred(found.effects[0], sequences[0], dnalm::effect_centring::mean3);
  std::cout << "boxes " << found.reference[0] << '\n';
  for (const double height : dnalm::observed_values(centred, sequences[0])) std::cout << height << ' ';
  std::cout << '\n';
}
