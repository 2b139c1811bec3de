// SPDX-License-Identifier: Apache-2.0
// A split that keeps chromosomes whole and depends on seed and names only, never on the order of the rows.
#include <iostream>
#include <string>
#include <vector>

#include <dnalm/probe/split.hpp>

int main() {
  std::vector<std::string> groups;
  for (int row = 0; row < 100; ++row) groups.push_back("chr" + std::to_string(1 + row % 20));
  const auto parts = dnalm::assign_split(groups, 1);
  dnalm::check_groups_are_whole(groups, parts);  // throws when a chromosome is in two parts
  for (const auto part : {dnalm::split_part::train, dnalm::split_part::valid, dnalm::split_part::test}) {
    int rows = 0;
    for (const auto each : parts) rows += each == part ? 1 : 0;
    std::cout << dnalm::to_string(part) << " " << rows << "\n";
  }
}
