// SPDX-License-Identifier: Apache-2.0
// Where the models normalise: the Nucleotide Transformer before each half of a block, BERT after it.
#include <iostream>

#include <dnalm/nn/norm_placement.hpp>

int main() {
  for (const auto placement : {dnalm::norm_placement::pre, dnalm::norm_placement::post}) {
    std::cout << (placement == dnalm::norm_placement::pre ? "x + f(LN(x))\n" : "LN(x + f(x))\n");
  }
}
