// SPDX-License-Identifier: Apache-2.0
// JSON from a file of unknown origin: strict, with limits, and errors that say where.
#include <iostream>

#include <nlohmann/json.hpp>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>

int main() {
  const auto config = dnalm::io::parse_json(R"({"hidden_size": 160, "num_hidden_layers": 4})", "config.json");
  std::cout << config.at("num_hidden_layers").get<int>() << " layers\n";
  try {
    static_cast<void>(dnalm::io::parse_json(R"({"hidden_size": 160, "hidden_size": 320})", "config.json"));
  } catch (const dnalm::error& e) {
    std::cout << e.id() << "\n";
  }
}
