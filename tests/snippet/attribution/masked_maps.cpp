// SPDX-License-Identifier: Apache-2.0
// What a masked language model expects at every position, and how surprising it finds the letters.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2");
  const std::vector<dnalm::io::sequence_record> sequences = {{.name = "a", .sequence = "TATAAATATAAATGCN"}};
  const auto masked = dnalm::predict_nucleotides(model, sequences);
  const auto seen =
      dnalm::predict_nucleotides(model, sequences, {.context = dnalm::prediction_context::wild_type});
  std::cout << sequences[0].sequence << '\n';
  std::cout << dnalm::likeliest_letters(masked[0].log_probabilities) << " masked\n";
  std::cout << dnalm::likeliest_letters(seen[0].log_probabilities) << " as it is\n";
  for (const std::size_t base : {0, 6}) {
    std::cout << model.describe().tokens->token(masked[0].likeliest_tokens[base]) << " is likeliest at "
              << base << '\n';
  }
}
