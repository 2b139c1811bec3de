// SPDX-License-Identifier: Apache-2.0
// Which hidden states are wanted, in code or as a user writes it.
#include <iostream>

#include <dnalm/embed/layer_selection.hpp>

int main() {
  for (const auto& wanted :
       {dnalm::all_layers, dnalm::last_layer, dnalm::layer_selection{0, 2}, dnalm::parse_layers("3,1")}) {
    for (const auto layer : wanted.resolve(4)) std::cout << layer << " ";  // of a model with 4 blocks
    std::cout << "\n";
  }
}
