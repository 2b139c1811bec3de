// SPDX-License-Identifier: Apache-2.0
// How many taps a filter is made of, and how many rows of a sequence it computes at once.
#include <iostream>

#include <dnalm/cpu/causal_filter.hpp>

int main() {
  for (const dnalm::index_t length : {100, 1026, 32770}) {
    std::cout << length << ": " << dnalm::cpu_filter_taps(length) << " taps\n";
  }
  const dnalm::matrix<double> taps(dnalm::cpu_filter_taps(1026), 3);
  const dnalm::causal_filter filter = dnalm::make_causal_filter(taps.view());
  std::cout << filter.rows_at_once << " rows at once\n";
}
