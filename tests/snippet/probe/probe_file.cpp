// SPDX-License-Identifier: Apache-2.0
// A fitted probe as a file: kept beside the results, read by whoever scores new sequences.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>

#include <dnalm/probe/probe_file.hpp>

int main() {
  dnalm::fitted_probe probe;
  probe.model = "nt-v2-50m";
  probe.layer = 4;
  probe.pooling = "mean";
  probe.width = 2;
  probe.targets = {{.name = "activity", .lambda = 10, .train_rows = 100}};
  probe.weights = {0.5, -1};
  probe.intercept = {0.25};
  probe.mean = {0, 0};
  probe.scale = {1, 1};
  const std::string name = dnalm::probe_file_name(probe);
  const auto path = std::filesystem::temp_directory_path() / (std::to_string(getpid()) + name);
  dnalm::save_probe(path, probe);
  const dnalm::fitted_probe again = dnalm::load_probe(path);
  std::cout << name << "\n"
            << again.targets[0].name << ", weights " << again.weights[0] << " " << again.weights[1] << "\n";
  std::filesystem::remove(path);
}
