// SPDX-License-Identifier: Apache-2.0
// Are scores of sites with a motif larger than those without?
#include <iostream>
#include <vector>

#include <dnalm/metrics/mann_whitney.hpp>

int main() {
  const std::vector<double> with = {3.1, 2.4, 5.0, 4.2};
  const std::vector<double> without = {1.0, 2.2, 0.3, 2.5, 1.9};
  const auto test = dnalm::metrics::mann_whitney(with, without);
  std::cout << "U " << test.u << ", share " << test.share << ", p " << test.p_value
            << (test.exact ? " (exact)\n" : " (normal)\n");
}
