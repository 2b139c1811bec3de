// SPDX-License-Identifier: Apache-2.0
// Two sequences of 39 and 52 tokens, packed without padding.
#include <iostream>

#include <dnalm/tensor/ragged.hpp>

int main() {
  dnalm::ragged_offsets batch;
  batch.append(39);
  batch.append(52);
  std::cout << batch.sequences() << " sequences, " << batch.rows() << " rows; the second begins at row "
            << batch.begin(1) << "\n";
}
