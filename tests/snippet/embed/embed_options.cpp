// SPDX-License-Identifier: Apache-2.0
// What is wanted of a pass, and with which means: two poolings of the last layer, one thread.
#include <iostream>

#include <dnalm/embed/embed_options.hpp>

int main() {
  const dnalm::embed_options options = {.layers = dnalm::last_layer,
                                        .poolings = {dnalm::pooling::mean, dnalm::pooling::max},
                                        .threads = 1,
                                        .memory = dnalm::index_t{1} << 29};
  for (const dnalm::pooling kind : options.poolings) std::cout << dnalm::to_string(kind) << "\n";
  std::cout << "logits: " << (options.logits ? "yes" : "no")
            << ", windows: " << (options.window.tokens == 0 ? "no" : "yes") << "\n";
}
