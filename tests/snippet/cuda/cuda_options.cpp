// SPDX-License-Identifier: Apache-2.0
// What a GPU is told: half the memory for weights, and no more than 20 GiB in all.
#include <iostream>

#include <dnalm/cuda/cuda_options.hpp>

int main() {
  const dnalm::cuda_options options{.precision = dnalm::cuda_precision::bf16,
                                    .memory_limit = dnalm::index_t{20} << 30};
  std::cout << "GPU " << options.device << ", 16 bits: " << dnalm::is_half(options.precision)
            << ", a row's bits depend on the batch: " << !options.deterministic << "\n";
}
