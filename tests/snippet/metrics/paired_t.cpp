// SPDX-License-Identifier: Apache-2.0
// Mean, standard error and paired t test of differences.
#include <iostream>
#include <vector>

#include <dnalm/metrics/paired_t.hpp>

int main() {
  const std::vector<double> differences = {0.4, 0.9, 0.1, 0.7, 0.5};
  const auto test = dnalm::metrics::paired_t(differences);
  std::cout << "mean " << test.mean << " +- " << test.standard_error << ", t " << test.t << ", p "
            << test.p_value << '\n';
}
