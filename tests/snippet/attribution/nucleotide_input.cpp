// SPDX-License-Identifier: Apache-2.0
// How bases enter models: one token a base, or k-mers whose row is the mean of several when a base is open.
#include <iostream>
#include <string>

#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const std::string models = std::string(argv[1]) + "/examples/data/models/";
  for (const std::string name : {"dnalm-yeast-human-gpn", "dnalm-yeast-human-nt2"}) {
    const dnalm::nucleotide_input input(dnalm::load_model(models + name));
    const dnalm::nucleotide_layout layout = input.layout("ACGTACGTA");
    std::cout << name << ": " << to_string(input.entry()) << ", bases of the tokens:";
    for (const int letters : layout.letters) std::cout << ' ' << letters;
    dnalm::nucleotide_weights weights = dnalm::one_hot_weights("ACGTACGTA");
    weights.letters(0, 0) = weights.letters(1, 0) = 0.5;  // A or C
    std::cout << (input.needs_tokens(layout, weights) ? ", mixed k-mers\n" : "\n");
  }
}
