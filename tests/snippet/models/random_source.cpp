// SPDX-License-Identifier: Apache-2.0
// Weights of a random twin: the same seed and tensor name give the same numbers in any model on any machine.
#include <iostream>
#include <span>
#include <vector>

#include <dnalm/models/random_source.hpp>

int main() {
  const dnalm::planned_tensor words{.name = "words", .shape = {2, 3}};
  const dnalm::planned_tensor gamma{.name = "gamma", .shape = {2}, .kind = dnalm::tensor_kind::norm_weight};
  const dnalm::random_source source(1, 0.02);
  std::vector<float> first(6), again(6), ones(2);
  source.read(words, std::span<float>(first));
  dnalm::random_source(1, 0.02).read(words, std::span<float>(again));
  source.read(gamma, std::span<float>(ones));
  std::cout << std::boolalpha << (first == again) << " " << (first[0] != first[1]) << " " << ones[0] << "\n";
}
