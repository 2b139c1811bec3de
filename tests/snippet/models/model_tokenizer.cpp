// SPDX-License-Identifier: Apache-2.0
// The tokenizer of a model folder, checked against the model, and how long an input may be.
#include <iostream>
#include <string>

#include <dnalm/models/model_tokenizer.hpp>

int main(int, char** argv) {
  const std::string folder = std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2";
  const auto config = dnalm::read_encoder_config(folder);
  const auto tokenizer = dnalm::load_model_tokenizer(folder, config, dnalm::unknown_policy::error);
  std::cout << tokenizer->description() << "; limit " << dnalm::token_limit(config, tokenizer) << " tokens\n";
  const std::string bare =
      std::string(argv[1]) + "/tests/golden/models/nt_v2_d8";  // weights and nothing else
  const auto none =
      dnalm::load_model_tokenizer(bare, dnalm::read_encoder_config(bare), dnalm::unknown_policy::n);
  std::cout << std::boolalpha << none.has_value() << "\n";
}
