// SPDX-License-Identifier: Apache-2.0
// A fitted probe predicts from pooled vectors; a logistic one gives probabilities.
#include <iomanip>
#include <iostream>
#include <vector>

#include <dnalm/probe/fitted_probe.hpp>

int main() {
  dnalm::fitted_probe probe;
  probe.kind = dnalm::probe_kind::logistic;
  probe.width = 2;
  probe.weights = {3, -1};
  probe.intercept = {-2};
  probe.targets = {{.name = "enhancer", .task = dnalm::task_kind::binary, .classes = {0, 1}}};
  const std::vector<float> vectors = {1, 1, 2, 0};  // two sequences
  const auto outputs = dnalm::linear_outputs(probe, dnalm::as_matrix(vectors.data(), 2, 2));
  const auto chances =
      dnalm::target_predictions(probe, probe.targets[0], dnalm::as_matrix(outputs.data(), 2, 1));
  std::cout << dnalm::to_string(probe.kind) << ": log-odds " << outputs[0] << " " << outputs[1]
            << ", probabilities " << std::fixed << std::setprecision(2) << chances[0] << " " << chances[1]
            << "\n";
}
