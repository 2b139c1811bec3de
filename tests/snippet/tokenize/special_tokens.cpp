// SPDX-License-Identifier: Apache-2.0
// Special tokens stand for no bases and are left out of pooling; an unknown token stands for some and counts.
#include <iostream>

#include <dnalm/tokenize/special_tokens.hpp>

int main() {
  const dnalm::special_tokens special{.cls = 3, .pad = 1, .mask = 2, .unk = 0};
  for (const int id : {3, 0, 812, 2})
    std::cout << id << (special.is_special(id) ? " special\n" : " sequence\n");
}
