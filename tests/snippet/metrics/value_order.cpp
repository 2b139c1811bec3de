// SPDX-License-Identifier: Apache-2.0
// Rows in the order of their values with ties told: what rank metrics read.
#include <iostream>
#include <vector>

#include <dnalm/metrics/value_order.hpp>

int main() {
  const std::vector<double> activity = {0.7, 0.1, 0.7, 0.4};
  const auto order = dnalm::metrics::order_by_value(activity);
  for (const auto row : order.rows) std::cout << row << " ";
  std::cout << "in " << order.ends.size() << " runs; centred ranks, doubled:";
  std::vector<double> ranks(activity.size());
  dnalm::metrics::centred_ranks(order, {}, ranks);
  for (const double rank : ranks) std::cout << " " << rank;
  std::cout << "\n";
}
