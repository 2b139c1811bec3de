// SPDX-License-Identifier: Apache-2.0
// RiNALMo comes without tokenizer files: its alphabet is built in. It reads U as T.
#include <iostream>

#include <dnalm/tokenize/nucleotide_tokenizer.hpp>

int main() {
  const dnalm::nucleotide_tokenizer tokenizer(dnalm::builtin_rules("rinalmo"), "rinalmo");
  std::cout << tokenizer.description() << "\n";
  for (const int id : tokenizer.encode_sequence("acguN", dnalm::unknown_policy::error, "example").ids) {
    std::cout << tokenizer.token(id) << " ";
  }
  std::cout << "\n";
}
