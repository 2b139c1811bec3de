// SPDX-License-Identifier: Apache-2.0
// The tokenizer of a model folder, and the bases that each token covers.
#include <iostream>
#include <string>

#include <dnalm/tokenize/tokenizer.hpp>

int main(int, char** argv) {
  const std::string folder = std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2";
  const dnalm::tokenizer tokenizer = dnalm::load_tokenizer(folder, {.policy = dnalm::unknown_policy::n});
  std::cout << tokenizer.description() << ", at most " << tokenizer.model_max_length() << " in a sequence\n";
  const dnalm::token_sequence tokens = tokenizer.encode("attccgRTTCC");
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    std::cout << tokens.ids[i] << " " << tokenizer.token(tokens.ids[i]) << " [" << tokens.begin[i] << ", "
              << tokens.end[i] << ")\n";
  }
}
