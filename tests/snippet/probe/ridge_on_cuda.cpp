// SPDX-License-Identifier: Apache-2.0
// In a program with the device code: evaluation_options::statistics = std::make_shared<cuda_ridge_maker>().
#include <iostream>
#include <type_traits>

#include <dnalm/probe/ridge_on_cuda.hpp>

int main() {
  static_assert(std::is_base_of_v<dnalm::ridge_accumulator_maker, dnalm::cuda_ridge_maker>);
  std::cout << "a probe is fitted from either: "
            << std::is_base_of_v<dnalm::ridge_accumulator, dnalm::cuda_ridge_statistics> << "\n";
}
