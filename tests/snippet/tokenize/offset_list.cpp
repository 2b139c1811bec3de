// SPDX-License-Identifier: Apache-2.0
// Offsets that follow a rule are kept as the rule.
#include <iostream>

#include <dnalm/tokenize/offset_list.hpp>

int main() {
  dnalm::offset_list begins;
  begins.push_back(0);                 // CLS
  begins.append_run(0, 1, 1'000'000);  // one token a base
  begins.push_back(1'000'000);         // SEP
  std::cout << begins.size() << " offsets in " << begins.runs() << " runs; that of token 501 is "
            << begins[501] << "\n";
}
