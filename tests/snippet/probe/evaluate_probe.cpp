// SPDX-License-Identifier: Apache-2.0
// The probing protocol on one representation: penalty chosen, probe refitted, test rows scored.
#include <iomanip>
#include <iostream>
#include <string>

#include <dnalm/core/philox.hpp>
#include <dnalm/probe/evaluate_probe.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  const dnalm::index_t rows = 60;
  dnalm::matrix<float> features(rows, 3);  // in place of embeddings
  dnalm::probe_table table{.targets = {"activity"}};
  dnalm::philox random(1);
  for (dnalm::index_t r = 0; r < rows; ++r) {
    for (dnalm::index_t d = 0; d < 3; ++d) features(r, d) = static_cast<float>(random.normal());
    table.labels.push_back(2.0 * features(r, 0) - features(r, 1) + 0.01 * random.normal());
    table.parts.push_back(r % 5 == 0 ? dnalm::split_part::test : dnalm::split_part::train);
  }
  const dnalm::probe_problem problem(table);
  const auto evaluation = dnalm::evaluate_probe(problem, features.view(), {.bootstrap = {.resamples = 0}});
  const auto& activity = evaluation.targets.front();
  std::cout << activity.n_train << " rows fitted, " << activity.n_test << " tested; "
            << activity.scores[0].name << std::fixed << std::setprecision(2) << " "
            << activity.scores[0].value << "; weights " << evaluation.probe.weights[0] << " "
            << evaluation.probe.weights[1] << "\n";
}
