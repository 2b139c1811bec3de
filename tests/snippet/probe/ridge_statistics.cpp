// SPDX-License-Identifier: Apache-2.0
// Rows stream past in blocks and are forgotten; what ridge needs of them is kept per part.
#include <iostream>
#include <span>
#include <vector>

#include <dnalm/probe/ridge_statistics.hpp>

int main() {
  dnalm::ridge_statistics statistics(2, 1, 2);  // 2 features, 1 target; part 0 train, part 1 valid
  const std::vector<double> first = {1, 0, 3, 0};
  const std::vector<double> second = {5, 6};
  const std::vector<double> labels = {1, 2, 3};
  const std::vector<dnalm::index_t> parts = {0, 1, 0};
  statistics.add(dnalm::as_matrix(first.data(), 2, 2), dnalm::as_matrix(labels.data(), 2, 1),
                 std::span(parts).subspan(0, 2));
  statistics.add(dnalm::as_matrix(second.data(), 1, 2), dnalm::as_matrix(labels.data() + 2, 1, 1),
                 std::span(parts).subspan(2));
  const std::vector<dnalm::index_t> train = {0};
  const auto moments = statistics.moments(train);
  std::cout << moments.rows << " rows, mean " << moments.mean_x[0] << " " << moments.mean_x[1] << ", gram "
            << moments.gram[0] << " " << moments.gram[1] << " " << moments.gram[3] << "\n";
}
