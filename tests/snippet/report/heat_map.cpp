// SPDX-License-Identifier: Apache-2.0
// A dependency map as colours.
#include <iostream>

#include <dnalm/report/heat_map.hpp>

int main() {
  const dnalm::report::heat_map map{.title = "dependencies",
                                    .rows = 2,
                                    .columns = 2,
                                    .values = {0, 1.5, 0.5, 0},
                                    .x_label = "observed position",
                                    .y_label = "mutated position",
                                    .value_label = "log2 odds"};
  std::cout << dnalm::report::draw(map).substr(0, 4) << '\n';
}
