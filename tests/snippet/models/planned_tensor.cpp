// SPDX-License-Identifier: Apache-2.0
// A tensor of a plan: a matrix of the head, and the embedding's table that it is the same as.
#include <iostream>

#include <dnalm/models/planned_tensor.hpp>

int main() {
  const dnalm::planned_tensor decoder{.name = "decoder.weight",
                                      .shape = {12, 64},
                                      .role = dnalm::tensor_role::decoder_weight,
                                      .required = false,
                                      .same_as = "words.weight"};
  std::cout << decoder.name << " (" << decoder.shape[0] << ", " << decoder.shape[1] << "), tied to "
            << decoder.same_as << (decoder.required ? "" : ", may be missing") << "\n";
}
