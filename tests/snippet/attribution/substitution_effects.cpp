// SPDX-License-Identifier: Apache-2.0
// Every substitution of a sequence; of another function those that promise most.
#include <algorithm>
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

  // The square of the number of A: its gradient, 2 n for A, guesses -2 n, 0 or 2 n for every substitution.
  const auto count = [](const std::string& text) {
    return static_cast<double>(std::count(text.begin(), text.end(), 'A'));
  };
  const dnalm::sequence_function square{
      .outputs = 1, .evaluate = [&](std::span<const std::string> texts, std::span<double> values) {
        for (std::size_t i = 0; i < texts.size(); ++i) values[i] = count(texts[i]) * count(texts[i]);
      }};
  const std::vector<std::string> texts = {"GCAATC"};
  dnalm::nucleotide_map gradient(6);
  for (dnalm::index_t i = 0; i < 6; ++i) gradient(0, i) = 2 * count(texts[0]);
  const std::vector<dnalm::nucleotide_map> guess = {dnalm::first_order_effects(gradient, texts[0])};
  const auto screened = dnalm::screen_substitution_effects(texts[0], square, guess, 3);
  for (dnalm::index_t i = 0; i < 6; ++i) {
    for (dnalm::index_t b = 0; b < 4; ++b) {
      if (screened.computed(b, i) == 0) continue;
      std::cout << texts[0][static_cast<std::size_t>(i)] << i << "ACGT"[b] << ": guessed " << guess[0](b, i)
                << ", is " << screened.effects[0](b, i) << '\n';
    }
  }
  const auto all = dnalm::find_substitution_effects(texts, square).front();
  std::cout << "of the 3 largest effects it found a share of "
            << dnalm::screen_recall(texts[0], all.effects, screened.computed, 3) << '\n';
}
