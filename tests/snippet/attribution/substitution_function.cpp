// SPDX-License-Identifier: Apache-2.0
// A function that knows its substitutions by heart, and those of networks by what each substitution reaches.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/models/load_model.hpp>

int main(int, char** argv) {
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
  std::vector<std::string> sequences = {"GAT"};
  const auto print = [&](const dnalm::substitution_function& f) {
    const auto found = dnalm::find_substitution_effects(sequences, f).front();
    for (dnalm::index_t b = 0; b < 4; ++b) {
      std::cout << "ACGT"[b];
      for (dnalm::index_t i = 0; i < 3; ++i) std::cout << ' ' << found.effects[0](b, i);
      std::cout << '\n';
    }
  };
  print(gc);

  const std::string root = argv[1];
  std::cout << std::fixed << std::setprecision(2);
  // A number of a hidden state of GPN: the mean of its first channel.
  const auto gpn = dnalm::load_model(root + "/examples/data/models/dnalm-yeast-human-gpn");
  const dnalm::state_reader mean = [](dnalm::matrix_view<const float> rows, dnalm::index_t rows_of_each,
                                      std::span<double> values) {
    for (dnalm::index_t r = 0; r < rows.rows; ++r) {
      values[static_cast<std::size_t>(r / rows_of_each)] +=
          static_cast<double>(rows(r, 0)) / static_cast<double>(rows_of_each);
    }
  };
  std::cout << "hidden state 2 of GPN\n";
  print(dnalm::function_of_edits(gpn, 2, 1, mean));

  // The prediction of a network of layers: here one trained to find two motifs together.
  const auto trained = dnalm::load_model(root + "/benchmarks/truth/trained");
  sequences = {"ACGTGATTACA" + std::string(189, 'C')};
  std::cout << "prediction of a trained network\n";
  print(dnalm::predictions_of_edits(trained));
}
