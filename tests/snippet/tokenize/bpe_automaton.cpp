// SPDX-License-Identifier: Apache-2.0
// AA is merged first, so CAA is C AA, although CA is a token too.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/tokenize/bpe_automaton.hpp>

int main() {
  const std::vector<std::string> tokens = {"A", "C", "AA", "CA"};
  const dnalm::bpe_automaton automaton(tokens, {{0, 0, 2}, {1, 0, 3}});
  std::vector<dnalm::bpe_automaton::step> chain;
  const bool done = automaton.usable() && automaton.encode("CAACA", chain);
  std::cout << (done ? "tokens:" : "not usable");
  for (const auto& step : chain) std::cout << " " << tokens[static_cast<std::size_t>(step.id)];
  std::cout << "\n";
}
