// SPDX-License-Identifier: Apache-2.0
// Writes what the end-to-end benchmarks run on.
//
//   bench_folder model SHAPE FOLDER [--tokenizer FOLDER]
//   bench_folder sequences FILE --count 1000 --shortest 230 [--longest 6000]
//
// SHAPE: nt_v2_100m, dnabert2, hyena_medium, gpn, caduceus_ps_d256, sei, ... (support/model_shapes.hpp). The
// weights are random; the same each time.
#include <CLI/CLI.hpp>
#include <cmath>
#include <exception>
#include <iostream>
#include <string>

#include "../support/model_shapes.hpp"

int main(int argc, char** argv) try {
  using namespace dnalm_bench;
  std::string shape;
  std::string folder;
  std::string tokenizer;
  std::string file;
  bool no_weights = false;
  index_t count = 1000;
  index_t shortest = 230;
  index_t longest = 0;
  CLI::App app("Model folders and sequences for the benchmarks");
  app.require_subcommand(1);
  auto* model = app.add_subcommand("model", "a model folder with random weights");
  model->add_option("shape", shape, "which")->required();
  model->add_option("folder", folder, "where")->required();
  model->add_option("--tokenizer", tokenizer, "folder with the published tokenizer.json of DNABERT-2");
  model->add_flag("--no-weights", no_weights, "configuration and tokenizer only");
  auto* sequences = app.add_subcommand("sequences", "random sequences, one a line");
  sequences->add_option("file", file, "where")->required();
  sequences->add_option("--count", count, "how many")->check(CLI::Range(1, 10000000));
  sequences->add_option("--shortest", shortest, "bases")->check(CLI::Range(1, 10000000));
  sequences->add_option("--longest", longest, "bases; lengths are log-uniform");
  CLI11_PARSE(app, argc, argv);
  if (*model) {
    write_model_folder(find_shape(shape), tokenizer, folder, !no_weights);
  } else {
    write_sequences(file, count, shortest, std::max(shortest, longest));
  }
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
