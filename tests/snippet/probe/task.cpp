// SPDX-License-Identifier: Apache-2.0
// What a column of labels asks for, told by its values.
#include <iostream>
#include <vector>

#include <dnalm/probe/task.hpp>

int main() {
  for (const std::vector<double>& labels :
       {std::vector<double>{0, 1, 1, 0}, {0, 1, 2, 2}, {0.4, -1.2, 0.8}}) {
    std::cout << dnalm::to_string(dnalm::detect_task(labels)) << "\n";
  }
  const std::vector<double> counts = {0, 1, 2, 2};
  std::cout << dnalm::to_string(dnalm::detect_task(counts, dnalm::parse_task("regression"))) << "\n";
}
