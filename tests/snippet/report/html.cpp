// SPDX-License-Identifier: Apache-2.0
// What the rows say in words, and the page that says it.
#include <iostream>
#include <string>
#include <tuple>
#include <vector>

#include <dnalm/report/html.hpp>

int main() {
  std::vector<dnalm::report::result_row> rows;
  for (const auto& [model, layer, value] :
       {std::tuple{"nt", "0", 0.3}, {"nt", "1", 0.6}, {"onehot", "-", 0.4}}) {
    rows.push_back({.model = model,
                    .layer = layer,
                    .pooling = "mean",
                    .probe = "ridge",
                    .target = "activity",
                    .metric = "pearson",
                    .value = value,
                    .ci_low = value - 0.05,
                    .ci_high = value + 0.05,
                    .n_train = 900,
                    .n_test = 100});
  }
  std::cout << dnalm::report::finding_in_words(rows, "activity") << "\n";
  const std::string page = dnalm::report::report_page(rows, {.targets = {"activity"}});
  std::cout << page.substr(0, page.find('\n')) << ", scripts: " << std::boolalpha
            << (page.find("<script") != std::string::npos) << "\n";
}
