// SPDX-License-Identifier: Apache-2.0
// A score against the layer with its intervals, as one SVG element.
#include <iostream>
#include <string>

#include <dnalm/report/line_chart.hpp>

int main() {
  const auto ticks = dnalm::report::find_ticks(0.13, 0.58, 5);
  std::cout << "axis from " << ticks.first << " to " << ticks.last << " in steps of " << ticks.step << "\n";
  dnalm::report::line_chart chart{.title = "activity", .y_label = "Pearson"};
  chart.curves = {{.name = "nt", .points = {{0, 0.3, 0.2, 0.4}, {1, 0.5, 0.4, 0.6}, {2, 0.4, 0.3, 0.5}}}};
  chart.levels = {{"one-hot", 0.35, 0.3, 0.4}};
  const std::string svg = dnalm::report::draw(chart);
  std::cout << svg.substr(0, 4) << "... " << std::boolalpha << (svg.find("one-hot") != std::string::npos)
            << "\n";
}
