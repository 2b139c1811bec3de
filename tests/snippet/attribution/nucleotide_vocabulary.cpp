// SPDX-License-Identifier: Apache-2.0
// Which tokens are DNA, and what logits over them say of each letter.
#include <iostream>
#include <vector>

#include <dnalm/attribution/nucleotide_vocabulary.hpp>
#include <dnalm/models/model_tokenizer.hpp>

int main() {
  const dnalm::tokenizer bases = dnalm::base_tokenizer();
  const dnalm::nucleotide_vocabulary vocabulary(bases, 5);
  for (int id = 0; id < 5; ++id)
    std::cout << bases.token(id) << " letters " << vocabulary.letters(id) << '\n';
  std::vector<float> logits = {0.5F, 2.0F, -1.0F, 0.0F, 9.0F};  // that of N is not looked at
  const auto weights = vocabulary.read({logits.data(), 5}, 1, dnalm::letter_reading::marginal);
  for (dnalm::index_t a = 0; a < 4; ++a) std::cout << weights(a, 0) << (a < 3 ? " " : "\n");
}
