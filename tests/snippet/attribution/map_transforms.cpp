// SPDX-License-Identifier: Apache-2.0
// From a gradient: the corrected one, what the observed bases contribute, what substitutions would change.
#include <iostream>
#include <string>

#include <dnalm/attribution/map_transforms.hpp>

int main() {
  const std::string sequence = "CA";
  dnalm::nucleotide_map gradient(2);
  gradient.values = {1, 4, 2, 0, 3, 0, 2, 0};  // A, C, G, T at both positions
  const auto print = [](const std::string& what, const dnalm::nucleotide_map& map) {
    std::cout << what;
    for (const double value : map.values) std::cout << ' ' << value;
    std::cout << '\n';
  };
  print("corrected", dnalm::corrected(gradient));
  print("times input", dnalm::times_input(gradient, sequence));
  print("first-order effects", dnalm::first_order_effects(gradient, sequence));
}
