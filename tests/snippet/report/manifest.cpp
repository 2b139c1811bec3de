// SPDX-License-Identifier: Apache-2.0
// How a result was made, for whoever wants to make it again.
#include <iostream>

#include <dnalm/report/manifest.hpp>

int main() {
  const dnalm::report::manifest made{.command = {"dnalm-evaluate", "my model", "--data", "peaks.tsv"},
                                     .data = {.name = "peaks.tsv"},
                                     .rows = 1000,
                                     .targets = {"activity"}};
  std::cout << dnalm::report::command_line(made.command) << "\n";
  const std::string json = dnalm::report::manifest_json(made);
  std::cout << std::boolalpha << (json.find("\"peaks.tsv\"") != std::string::npos) << "\n";
}
