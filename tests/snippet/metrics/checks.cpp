// SPDX-License-Identifier: Apache-2.0
// Rows with a missing measurement: left out, or an error, as the caller says.
#include <iostream>
#include <limits>
#include <vector>

#include <dnalm/metrics/checks.hpp>

int main() {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> measured = {0.5, missing, 1.5};
  const std::vector<double> predicted = {0.4, 0.9, 1.4};
  using dnalm::metrics::nan_policy;
  const auto kept = dnalm::metrics::apply_nan_policy(measured, predicted, nan_policy::omit, "mse");
  std::cout << kept.first.size() << " of " << measured.size() << " rows\n";
  try {
    static_cast<void>(dnalm::metrics::apply_nan_policy(measured, predicted, nan_policy::error, "mse"));
  } catch (const dnalm::error& e) {
    std::cout << e.what() << "\n";
  }
}
