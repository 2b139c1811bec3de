// SPDX-License-Identifier: Apache-2.0
// How alike two maps of one sequence are, with their signs and without.
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/attribution/map_comparison.hpp>

int main() {
  const std::string sequence = "ACGTN";
  const std::vector<double> a = {1, -2, 3, 4, 0};
  const std::vector<double> b = {1, 2, 3, 5, 9};
  std::cout << std::fixed << std::setprecision(3);
  for (const auto values : {dnalm::map_values::signed_values, dnalm::map_values::sizes}) {
    const dnalm::map_similarity found = dnalm::compare_rows(a, b, sequence, values);
    std::cout << found.pearson << ' ' << found.spearman << '\n';
  }
}
