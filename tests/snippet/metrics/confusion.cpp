// SPDX-License-Identifier: Apache-2.0
// How well enhancers (1) are told from the rest (0): the table of counts and what is read from it.
#include <iostream>
#include <vector>

#include <dnalm/metrics/confusion.hpp>

int main() {
  const std::vector<double> labels = {1, 1, 1, 1, 0, 0, 0, 0};
  const std::vector<double> predicted = {1, 1, 1, 0, 1, 0, 0, 0};
  const auto table = dnalm::metrics::confusion_of(labels, predicted);
  std::cout << "found " << table(1, 1) << " of 4, false alarms " << table(0, 1) << "\n";
  std::cout << "accuracy " << dnalm::metrics::accuracy(table) << ", mcc " << dnalm::metrics::mcc(table)
            << ", f1 " << dnalm::metrics::f1(table) << "\n";
}
