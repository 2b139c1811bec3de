// SPDX-License-Identifier: Apache-2.0
// The kernels of HyenaDNA and Caduceus on a GPU, which cuda_backend takes from cuda_sequence_kernels.
#include <iostream>
#include <type_traits>

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/cuda/sequence_kernels.hpp>

int main() {
  using gpu = dnalm::cuda_backend;
  static_assert(dnalm::hyena_backend<gpu> && dnalm::caduceus_backend<gpu>);
  std::cout << "on a GPU: " << std::is_base_of_v<dnalm::cuda_sequence_kernels<gpu>, gpu> << "\n";
}
