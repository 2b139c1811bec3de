// SPDX-License-Identifier: Apache-2.0
// Which backends a model on a device can stand on: those with memory of their own.
#include <iostream>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/models/device_model_of.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  std::cout << std::boolalpha << "cpu: " << dnalm::device_backend<dnalm::cpu_backend> << '\n'
            << "reference: " << dnalm::device_backend<dnalm::reference_backend> << '\n';
}
