// SPDX-License-Identifier: Apache-2.0
// The kernels of networks of layers on a GPU, which cuda_backend takes from cuda_layer_kernels.
#include <iostream>
#include <type_traits>

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/cuda/layer_kernels.hpp>

int main() {
  using gpu = dnalm::cuda_backend;
  static_assert(dnalm::layer_backend<gpu> && dnalm::sequence_sum_kernels<gpu>);
  std::cout << "on a GPU: " << std::is_base_of_v<dnalm::cuda_layer_kernels<gpu>, gpu> << "\n";
}
