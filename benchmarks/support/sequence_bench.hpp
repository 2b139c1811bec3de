// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What the programs share that run a model of a folder on the sequences of a file: their command
/// line, their repetitions, their rows.
#pragma once

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <string>

#include "bench_model.hpp"
#include "forward_flops.hpp"
#include "lists.hpp"
#include "model_shapes.hpp"
#include "peak.hpp"
#include "report.hpp"

namespace dnalm_bench {

/// What all of them are told.
struct sequence_arguments {
  std::string name = "custom";
  std::string model = {};
  std::string sequences = {};
  index_t limit = 1;
  int repeats = 5;
};

/// A program for people.
struct program_words {
  std::string name = {};
  std::string about = {};
  std::string limit = "sequences";  ///< what --limit counts
  index_t largest_limit = 100000;
};

/// The program: reads the command line into `a`, whose defaults stand in it, measures, prints. Its own
/// options come between --limit and --repeats. options(app, a); measure(a, out). Returns the exit code.
template <class Arguments, class Options, class Measure>
int run_program(int argc, char** argv, const program_words& words, Arguments a, const Options& options,
                const Measure& measure) try {
  CLI::App app(words.about);
  app.add_option("--case", a.name, "name of the case");
  app.add_option("--model", a.model, "model folder")->required();
  app.add_option("--sequences", a.sequences, "file, one sequence a line")->required();
  app.add_option("--limit", a.limit, words.limit)->check(CLI::Range(index_t{1}, words.largest_limit));
  options(app, a);
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  CLI11_PARSE(app, argc, argv);
  report out(words.name);
  measure(a, out);
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}

/// Runs `work` so often, the peak measured before each time.
template <class Work>
void repeat(int times, peak_meter& peak, const Work& work) {
  for (int r = 0; r < times; ++r) {
    for (int i = 0; i < 5; ++i) peak.sample();
    work();
  }
}

/// The peak that bounds a model on threads of this CPU, its weights in a format.
[[nodiscard]] inline peak_meter peak_of(dnalm::weight_format format, int threads) {
  return {bound_of(dnalm::choose_isa(), format != dnalm::weight_format::f32), threads};
}

/// A row WHAT/CASE/FORMAT/tTHREADS whose floor is its work at the peak.
[[nodiscard]] inline result_row row_at_peak(const std::string& what, const sequence_arguments& a,
                                            dnalm::weight_format format, int threads, double work,
                                            const peak_meter& peak) {
  result_row row{.name = what + "/" + a.name + "/" + std::string(to_string(format)) + "/t" +
                         std::to_string(threads)};
  row.threads = threads;
  row.work = work;
  row.floor_seconds = peak.floor_seconds(work);
  row.floor = peak.floor_name();
  return row;
}

}  // namespace dnalm_bench
