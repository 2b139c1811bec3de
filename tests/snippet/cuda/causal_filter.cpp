// SPDX-License-Identifier: Apache-2.0
// Which sequences share a filter on a GPU, and how many points their transforms have.
#include <iostream>

#include <dnalm/cuda/causal_filter.hpp>

int main() {
  for (const dnalm::index_t length : {100, 1024, 1026, 1100, 32770}) {
    const dnalm::index_t taps = dnalm::cuda_filter_taps(length);
    std::cout << length << " tokens: " << taps << " taps, ";
    if (taps <= dnalm::cuda_direct_rows) {
      std::cout << "as sums\n";
    } else {
      std::cout << taps - dnalm::cuda_rows_beyond << " points\n";
    }
  }
}
