// SPDX-License-Identifier: Apache-2.0
// Rows of results.tsv, and the summary that a program prints of them.
#include <iostream>
#include <tuple>
#include <vector>

#include <dnalm/report/result_table.hpp>

int main() {
  std::vector<dnalm::report::result_row> rows;
  for (const auto& [model, layer, value] :
       {std::tuple{"nt", "0", 0.3}, {"nt", "1", 0.62}, {"onehot", "-", 0.41}, {"random:nt", "0", 0.34}}) {
    rows.push_back({.model = model,
                    .layer = layer,
                    .probe = "ridge",
                    .target = "activity",
                    .metric = "pearson",
                    .value = value,
                    .ci_low = value - 0.05,
                    .ci_high = value + 0.05,
                    .n_train = 900,
                    .n_test = 100});
  }
  const auto best =
      dnalm::report::best_layers(rows, "activity", dnalm::report::primary_metric(rows, "activity"));
  std::cout << "best layer of " << best[0].model << ": " << best[0].layer << "\n\n"
            << dnalm::report::summary_table(rows);
}
