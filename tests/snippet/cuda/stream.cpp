// SPDX-License-Identifier: Apache-2.0
// A stream is a cudaStream_t without its header: that of the program, or the default one.
#include <iostream>

#include <dnalm/cuda/stream.hpp>

int main() {
  int stands_for_a_stream = 0;  // in a program with CUDA: cudaStream_t from cudaStreamCreate
  const dnalm::cuda_stream own{&stands_for_a_stream};
  const dnalm::cuda_stream usual;
  std::cout << "own: " << (own.handle != nullptr) << ", default: " << (usual.handle == nullptr) << "\n";
}
