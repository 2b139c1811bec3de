// SPDX-License-Identifier: Apache-2.0
// The backend of a GPU is one like the others; a program that makes one links dnalm_add_cuda(target).
#include <iostream>

#include <dnalm/cuda/cuda_backend.hpp>

static_assert(dnalm::encoder_backend<dnalm::cuda_backend>);

/// A model's hidden layer on any backend; y = x W^T, in the backend's memory.
template <dnalm::encoder_backend B>
void project(const B& backend, dnalm::input_matrix<B> x, const typename B::weight& w,
             dnalm::output_matrix<B> y) {
  backend.linear(x, w, {}, {}, y);
}

int main() {
  using backend = dnalm::cuda_backend;
  std::cout << "rows on the GPU: " << (backend::space == dnalm::memory_space::device) << "\n";
  std::cout << "a layer takes it: " << requires {
    project<backend>;
  }
  << "\n";
}
