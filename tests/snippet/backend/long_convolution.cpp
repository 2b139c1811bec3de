// SPDX-License-Identifier: Apache-2.0
// Which backends a HyenaDNA network can run on.
#include <iostream>

#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  std::cout << std::boolalpha << dnalm::hyena_backend<dnalm::cpu_backend> << " "
            << dnalm::hyena_backend<dnalm::reference_backend> << "\n";
}
