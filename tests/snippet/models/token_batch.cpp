// SPDX-License-Identifier: Apache-2.0
// Sequences of unequal length, packed without padding, and the check that a model makes of them.
#include <iostream>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/models/encoder_config.hpp>
#include <dnalm/models/token_batch.hpp>

int main() {
  dnalm::encoder_config config;
  config.vocabulary = 4107;
  std::vector<std::int32_t> ids = {3, 369, 369, 3, 812};
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  offsets.append(2);
  const dnalm::token_batch batch{ids, offsets};
  dnalm::check_batch(config, batch);
  std::cout << offsets.sequences() << " sequences, the longest of " << batch.longest() << " tokens\n";
  ids[4] = 5000;
  try {
    dnalm::check_batch(config, batch);
  } catch (const dnalm::error& e) {
    std::cout << e.what() << "\n";
  }
}
