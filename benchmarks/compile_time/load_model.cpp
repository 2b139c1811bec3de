// SPDX-License-Identifier: Apache-2.0
// Cost of the smallest useful program: load a model, embed one sequence.
#include <iostream>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>

int main(int, char** argv) {
  const dnalm::model model = dnalm::load_model(argv[1]);
  std::cout << model.describe().parameters << "\n";
}
