// SPDX-License-Identifier: Apache-2.0
// LegNet's order of channels, N as a quarter of each.
#include <iostream>

#include <dnalm/models/sequence_input.hpp>

int main() {
  dnalm::sequence_input input;
  input.letters = "AGCT";
  input.unknown = 0.25;
  const auto table = input.table<double>();
  std::cout << "C: " << table[4] << " " << table[5] << " " << table[6] << " " << table[7]
            << "; N: " << table[16] << "; rows of 10 bases: " << input.rows(10) << "\n";
}
