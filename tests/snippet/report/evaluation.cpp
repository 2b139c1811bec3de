// SPDX-License-Identifier: Apache-2.0
// The main job in a program of one's own: probe a representation on a table and write the folder of results.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>

#include <dnalm/core/philox.hpp>
#include <dnalm/report/evaluation.hpp>

int main() {
  dnalm::io::sequence_table table{.file = "example", .targets = {"label"}};
  dnalm::philox random(1);
  for (dnalm::index_t r = 0; r < 40; ++r) {
    std::string sequence;
    for (int i = 0; i < 24; ++i) sequence += "ACGT"[random.below(4)];
    table.records.push_back({.name = std::to_string(r),
                             .sequence = sequence,
                             .labels = {dnalm::gc_content(sequence)},
                             .number = r});
  }
  const auto path = std::filesystem::temp_directory_path() / ("dnalm_results_" + std::to_string(getpid()));
  dnalm::report::result_folder folder(path);
  dnalm::report::evaluation_options options;
  options.baselines = {dnalm::report::baseline_kind::kmer};
  options.resamples = 20;
  options.display = dnalm::progress_display::never;
  dnalm::report::evaluation evaluation(table, options, folder);
  evaluation.add_baselines();
  for (const auto& row : evaluation.rows()) {
    std::cout << row.model << " " << row.probe << " " << row.metric << ", " << row.n_test << " test rows\n";
  }
  evaluation.finish({});
  for (const char* file : {"results.tsv", "report.html", "manifest.json"}) {
    std::cout << file << (std::filesystem::exists(path / file) ? "" : " is missing") << "\n";
  }
  std::filesystem::remove_all(path);
}
