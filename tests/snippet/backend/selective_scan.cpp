// SPDX-License-Identifier: Apache-2.0
// Which backends a Caduceus network can run on.
#include <iostream>

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  std::cout << std::boolalpha << dnalm::caduceus_backend<dnalm::cpu_backend> << " "
            << dnalm::caduceus_backend<dnalm::reference_backend> << "\n";
}
