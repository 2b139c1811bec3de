// SPDX-License-Identifier: Apache-2.0
// Streamed ridge statistics of every layer's pooled vectors, as a share of the forward pass that makes them.
//
//   bench_ridge --case NAME --model FOLDER --sequences FILE [--limit 256] [--forward-limit 24] [--targets 1]
//               [--parts 5] [--formats f32] [--repeats 5]
//
// One thread. Both times are for one sequence; `over_forward` is their ratio. The pooled vectors are random:
// their values do not change the work. The floor is layers x D (D + 2 T + 3) double operations (a symmetric
// product, one half) at half the measured multiply-add peak of float.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <dnalm/embed/embed.hpp>
#include <dnalm/probe/ridge_statistics.hpp>

#include "../support/bench_model.hpp"
#include "../support/lists.hpp"
#include "../support/model_shapes.hpp"
#include "../support/peak.hpp"
#include "../support/report.hpp"

namespace {

using namespace dnalm_bench;

struct arguments {
  std::string name = "custom";
  std::string model;
  std::string sequences;
  std::string formats = "f32";
  index_t limit = 256;
  index_t forward_limit = 24;
  index_t targets = 1;
  index_t parts = 5;
  int repeats = 5;
};

class no_sink final : public dnalm::embedding_sink {
 public:
  void begin(const dnalm::embedding_shape&) override {}
  void consume(index_t, const dnalm::embedding_block&) override {}
};

/// Adds `rows` vectors to the statistics of every layer.
class statistics_bench {
 public:
  statistics_bench(index_t layers, index_t width, const arguments& a)
      : x_(a.limit, width), y_(a.limit, a.targets) {
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    for (index_t i = 0; i < a.limit * width; ++i) x_.data()[i] = static_cast<float>(normal(random));
    for (index_t i = 0; i < a.limit * a.targets; ++i) y_.data()[i] = normal(random);
    for (index_t r = 0; r < a.limit; ++r) part_.push_back(r % a.parts);
    for (index_t l = 0; l < layers; ++l) statistics_.emplace_back(width, a.targets, a.parts);
  }
  /// Blocks of 16 rows, layer by layer, as they come from batches of a forward pass.
  timing run() {
    const stopwatch watch(true);
    for (index_t first = 0; first < x_.rows(); first += 16) {
      const index_t count = std::min<index_t>(16, x_.rows() - first);
      const std::span<const index_t> parts(part_.data() + first, static_cast<std::size_t>(count));
      for (dnalm::ridge_statistics& layer : statistics_) {
        layer.add(dnalm::matrix_view<const float>(x_.view().row_block(first, count)),
                  y_.view().row_block(first, count), parts);
      }
    }
    return watch.elapsed();
  }

 private:
  dnalm::matrix<float> x_;
  dnalm::matrix<double> y_;
  std::vector<index_t> part_;
  std::vector<dnalm::ridge_statistics> statistics_;
};

timing per_sequence(timing t, index_t sequences) {
  const auto n = static_cast<double>(sequences);
  return {t.wall / n, t.cpu / n};
}

void measure(const arguments& a, dnalm::weight_format format, report& out) {
  const dnalm::model network = load_on(a.model, dnalm::cpu_backend(format));
  std::vector<dnalm::io::sequence_record> records;
  for (const std::string& line : read_sequences(a.sequences, a.forward_limit)) {
    records.push_back({.name = std::to_string(records.size()), .sequence = line});
  }
  const dnalm::encoder_config& config = std::get<dnalm::encoder_config>(network.describe().config);
  const auto forward_rows = static_cast<index_t>(records.size());
  statistics_bench statistics(config.layers, config.width, a);
  peak_meter peak(bound_of(dnalm::choose_isa(), false), 1);
  repetitions forward_times;
  repetitions ridge_times;
  no_sink sink;
  for (int r = 0; r < a.repeats; ++r) {
    for (int i = 0; i < 5; ++i) peak.sample();
    const stopwatch watch(false);
    dnalm::embed(network, records, {.threads = 1}, sink);
    forward_times.add(per_sequence(watch.elapsed(), forward_rows));
    ridge_times.add(per_sequence(statistics.run(), a.limit));
  }
  const auto d = static_cast<double>(config.width);
  result_row row{.name = "ridge/" + a.name + "/" + std::string(to_string(format)) + "/t1"};
  row.work = static_cast<double>(config.layers) * d * (d + 2 * static_cast<double>(a.targets) + 3);
  row.floor_seconds = 2 * peak.floor_seconds(row.work);
  row.floor = "half of " + std::string(to_string(peak.kind())) + " at " + std::to_string(peak.rate() / 1e9) +
              " GFLOP/s";
  row.more = {{"clock", "cpu"},
              {"forward_seconds_per_sequence", median(forward_times.cpu)},
              {"over_forward", median(ridge_times.cpu) / median(forward_times.cpu)}};
  out.add(row, ridge_times);
}

}  // namespace

int main(int argc, char** argv) try {
  arguments a;
  CLI::App app("Ridge statistics as a share of the forward pass");
  app.add_option("--case", a.name, "name of the case");
  app.add_option("--model", a.model, "model folder")->required();
  app.add_option("--sequences", a.sequences, "file, one sequence a line")->required();
  app.add_option("--limit", a.limit, "vectors a layer")->check(CLI::Range(1, 1000000));
  app.add_option("--forward-limit", a.forward_limit, "sequences to embed")->check(CLI::Range(1, 1000000));
  app.add_option("--targets", a.targets, "targets")->check(CLI::Range(1, 100000));
  app.add_option("--parts", a.parts, "folds")->check(CLI::Range(1, 10000));
  app.add_option("--formats", a.formats, "f32, bf16, int8");
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  CLI11_PARSE(app, argc, argv);
  report out("bench_ridge");
  for (const auto format : parse_formats(a.formats)) measure(a, format, out);
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
