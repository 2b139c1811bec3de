// SPDX-License-Identifier: Apache-2.0
// The heads of a small Enformer: what each is a map of, and the rows that a sequence of 192 bases gets.
#include <iostream>
#include <string>

#include <dnalm/models/load_model.hpp>
#include <dnalm/models/prediction_head.hpp>

int main(int, char** argv) {
  const auto model = dnalm::load_model(std::string(argv[1]) + "/tests/golden/supervised/enformer");
  for (const dnalm::prediction_head& head : dnalm::prediction_heads(model)) {
    std::cout << head.name << ": " << model.state_rows(head.state, 192) << " x " << head.columns << ", "
              << head.map << " of hidden state " << head.linear_state << '\n';
  }
}
