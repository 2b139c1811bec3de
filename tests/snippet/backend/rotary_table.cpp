// SPDX-License-Identifier: Apache-2.0
// Rotary positions: angles of every position and channel pair, worked out once.
#include <iostream>
#include <vector>

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/backend/scalar_functions.hpp>

int main() {
  const dnalm::index_t head_width = 16;
  std::vector<float> frequencies;
  for (dnalm::index_t j = 0; j < head_width / 2; ++j) {
    frequencies.push_back(dnalm::rotary_frequency(j, head_width));
  }
  const auto table = dnalm::make_rotary_table<float>(frequencies, 512);
  std::cout << table.positions() << " positions, " << table.cosine.columns()
            << " pairs; position 0 turns by cos " << table.cosine(0, 3) << ", sin " << table.sine(0, 3)
            << "\n";
}
