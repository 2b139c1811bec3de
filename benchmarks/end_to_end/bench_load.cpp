// SPDX-License-Identifier: Apache-2.0
// From a model folder to the first embedding: seconds and peak memory, each time in a process of its own.
//
//   bench_load --case NAME --model FOLDER [--formats f32,bf16] [--repeats 5] [--packs FOLDER]
//
// --packs: rows more, with packed weights in a cache file there (load_options.pack_cache).
// `load_model` as users call it, with the threads that it takes by itself: processor time is that of all of
// them. The first run fills the file cache and is not counted. `weight_bytes` is the size of
// model.safetensors, the peak is what the system says of the process (pages of the mapped file that are in
// memory count). No floor is stated.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <dnalm/embed/embed.hpp>
#include <dnalm/models/load_model.hpp>

#include "../support/lists.hpp"
#include "../support/report.hpp"

namespace {

using namespace dnalm_bench;

class counting_sink final : public dnalm::embedding_sink {
 public:
  void begin(const dnalm::embedding_shape&) override {}
  void consume(dnalm::index_t, const dnalm::embedding_block& block) override {
    sequences_ += block.sequences;
  }
  [[nodiscard]] dnalm::index_t sequences() const { return sequences_; }

 private:
  dnalm::index_t sequences_ = 0;
};

struct outcome {
  double wall = 0;
  double cpu = 0;
  double load_wall = 0;
  double peak_bytes = 0;
  int good = 0;
};

/// What is loaded, and how.
struct load_case {
  std::string folder = {};
  dnalm::weight_format format = dnalm::weight_format::f32;
  std::string packs = {};  // folder of cache files, empty: none
};

outcome load_and_embed(const load_case& c) {
  const stopwatch watch(false);
  const dnalm::model network = dnalm::load_model(c.folder, {.weights = c.format, .pack_cache = c.packs});
  outcome result;
  result.load_wall = watch.elapsed().wall;
  counting_sink sink;
  const std::vector<dnalm::io::sequence_record> one = {{.name = "first", .sequence = std::string(230, 'A')}};
  dnalm::embed(network, one, {.threads = 1}, sink);
  const timing t = watch.elapsed();
  result.wall = t.wall;
  result.cpu = t.cpu;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  result.peak_bytes = static_cast<double>(used.ru_maxrss) * 1024;
  result.good = sink.sequences() == 1 ? 1 : 0;
  return result;
}

/// Runs in a child, so that memory and caches of the allocator are fresh.
outcome in_child(const load_case& c) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    outcome result;
    try {
      result = load_and_embed(c);
    } catch (const std::exception& problem) {
      std::cerr << problem.what() << "\n";
    }
    const bool sent = write(ends[1], &result, sizeof(result)) == static_cast<ssize_t>(sizeof(result));
    _exit(sent && result.good == 1 ? 0 : 1);
  }
  close(ends[1]);
  outcome result;
  const ssize_t got = read(ends[0], &result, sizeof(result));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (got != static_cast<ssize_t>(sizeof(result)) || result.good != 1)
    throw std::runtime_error("the child failed");
  return result;
}

void measure(const std::string& name, const load_case& c, int repeats, report& out) {
  static_cast<void>(in_child(c));
  repetitions times;
  std::vector<double> loads;
  std::vector<double> peaks;
  for (int r = 0; r < repeats; ++r) {
    const outcome o = in_child(c);
    times.add({o.wall, o.cpu});
    loads.push_back(o.load_wall);
    peaks.push_back(o.peak_bytes);
  }
  const auto bytes =
      static_cast<double>(std::filesystem::file_size(std::filesystem::path(c.folder) / "model.safetensors"));
  result_row row{.name = "load/" + name + "/" + std::string(to_string(c.format)) +
                         (c.packs.empty() ? "" : "/cached")};
  row.work = bytes;
  row.unit = "byte";
  row.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const double peak = *std::max_element(peaks.begin(), peaks.end());
  std::ostringstream note;
  note << std::fixed << std::setprecision(2) << median(times.wall) << " s wall, loading " << median(loads)
       << " s; peak " << std::setprecision(0) << peak / 1e6 << " MB";
  row.more = {{"note", note.str()},
              {"load_wall_seconds", median(loads)},
              {"peak_bytes", peak},
              {"weight_bytes", bytes},
              {"peak_over_weights", peak / bytes}};
  out.add(row, times);
}

}  // namespace

int main(int argc, char** argv) try {
  std::string name = "custom";
  std::string model;
  std::string formats = "f32,bf16";
  std::string packs;
  int repeats = 5;
  CLI::App app("From a folder to the first embedding");
  app.add_option("--case", name, "name of the case");
  app.add_option("--model", model, "model folder")->required();
  app.add_option("--formats", formats, "f32, bf16, int8");
  app.add_option("--repeats", repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_option("--packs", packs, "folder for packed weights");
  CLI11_PARSE(app, argc, argv);
  report out("bench_load");
  for (const auto format : parse_formats(formats)) {
    measure(name, {model, format}, repeats, out);
    if (!packs.empty()) measure(name, {model, format, packs}, repeats, out);
  }
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
