// SPDX-License-Identifier: Apache-2.0
// What a model on a GPU is told: load_model(folder, on_cuda(where)), in a program with the device code.
#include <iostream>

#include <dnalm/models/on_cuda.hpp>

int main() {
  static_assert(dnalm::device_backend<dnalm::cuda_backend>);
  dnalm::cuda_options where;
  where.precision = dnalm::cuda_precision::bf16;
  std::cout << "GPU " << where.device << ", batches of " << where.block_rows << " tokens"
            << (where.deterministic ? ", a sequence's bits whatever its batch" : "") << '\n';
}
