// SPDX-License-Identifier: Apache-2.0
// What a block is: a norm and a mixer; its scratch is the mixer's.
#include <iostream>

#include <dnalm/nn/mamba_block.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  using backend = dnalm::reference_backend;
  const backend b;
  dnalm::mamba_block<backend> block;
  block.norm = {b.upload(std::vector<double>{1, 1}), 1e-5};
  for (dnalm::mamba_direction<backend>* direction : {&block.mixer.ahead, &block.mixer.back}) {
    direction->rates = b.upload(std::vector<double>(12, -1.0), 3, 4);  // 3 states of 4 channels
    direction->skip = b.upload(std::vector<double>(4, 1.0));
  }
  std::cout << block.mixer.channels() << " channels, scratch " << block.scratch(b) << ", of the adjoint "
            << block.vjp_scratch(b, 100) << "\n";
}
