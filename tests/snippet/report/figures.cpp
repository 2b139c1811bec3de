// SPDX-License-Identifier: Apache-2.0
// From result rows to charts: one per target and metric, curves over layers beside levels without.
#include <iostream>
#include <tuple>
#include <vector>

#include <dnalm/report/figures.hpp>

int main() {
  std::vector<dnalm::report::result_row> rows;
  for (const auto& [model, layer, value] :
       {std::tuple{"nt", "0", 0.3}, {"nt", "1", 0.5}, {"onehot", "-", 0.4}}) {
    rows.push_back({.model = model,
                    .layer = layer,
                    .probe = "ridge",
                    .target = "activity",
                    .metric = "pearson",
                    .value = value,
                    .ci_low = value - 0.1,
                    .ci_high = value + 0.1});
  }
  for (const auto& figure : dnalm::report::make_figures(rows)) {
    std::cout << figure.file << ": " << figure.chart.curves.size() << " curve, " << figure.chart.levels.size()
              << " level\n";
  }
}
