// SPDX-License-Identifier: Apache-2.0
// What a model folder's tokenizer_config.json says.
#include <iostream>
#include <string>

#include <dnalm/tokenize/tokenizer_config.hpp>

int main(int, char** argv) {
  const std::string folder = std::string(argv[1]) + "/examples/data/models/dnalm-yeast-human-nt2";
  const dnalm::tokenizer_config config = dnalm::read_tokenizer_config(folder);
  std::cout << config.tokenizer_class << ", at most " << config.model_max_length
            << " tokens, end token: " << config.name_of("eos_token", "none") << "\n";
}
