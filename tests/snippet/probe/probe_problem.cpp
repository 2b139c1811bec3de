// SPDX-License-Identifier: Apache-2.0
// A table of labels, checked once: what each target asks for and which rows it may use.
#include <iostream>
#include <limits>

#include <dnalm/probe/probe_problem.hpp>

int main() {
  using enum dnalm::split_part;
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const dnalm::probe_problem problem({.targets = {"activity", "enhancer"},
                                      .labels = {0.1, 0, 0.7, 1, 0.4, 0, missing, 1, 0.9, 1, 0.2, 0},
                                      .parts = {train, train, train, train, test, test}});
  for (const auto& target : problem.targets()) {
    std::cout << target.name << ": " << dnalm::to_string(target.task) << ", " << target.train.size()
              << " train, " << target.test.size() << " test\n";
  }
}
