// SPDX-License-Identifier: Apache-2.0
// Streamed ridge statistics of every layer's pooled vectors, as a share of the forward pass that makes them.
//
//   bench_ridge --case NAME --model FOLDER --sequences FILE [--limit 256] [--forward-limit 24] [--targets 1]
//               [--parts 5] [--formats f32] [--repeats 5]
//
// One thread. Both times are for one sequence; `over_forward` is their ratio. The pooled vectors are random:
// their values do not change the work. The floor is layers x D (D + 2 T + 3) double operations (a symmetric
// product, one half) at half the measured multiply-add peak of float.
#include <random>
#include <string>
#include <vector>

#include <dnalm/embed/embed.hpp>
#include <dnalm/probe/ridge_statistics.hpp>

#include "../support/sequence_bench.hpp"

namespace {

using namespace dnalm_bench;

struct arguments : sequence_arguments {
  std::string formats = "f32";
  index_t forward_limit = 24;
  index_t targets = 1;
  index_t parts = 5;
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
  peak_meter peak = peak_of(dnalm::weight_format::f32, 1);
  repetitions forward_times;
  repetitions ridge_times;
  no_sink sink;
  repeat(a.repeats, peak, [&] {
    const stopwatch watch(false);
    dnalm::embed(network, records, {.threads = 1}, sink);
    forward_times.add(per_sequence(watch.elapsed(), forward_rows));
    ridge_times.add(per_sequence(statistics.run(), a.limit));
  });
  const auto d = static_cast<double>(config.width);
  const double work = static_cast<double>(config.layers) * d * (d + 2 * static_cast<double>(a.targets) + 3);
  result_row row = row_at_peak("ridge", a, format, 1, work, peak);
  row.floor_seconds *= 2;
  row.floor = "half of " + row.floor;
  row.more = {{"clock", "cpu"},
              {"forward_seconds_per_sequence", median(forward_times.cpu)},
              {"over_forward", median(ridge_times.cpu) / median(forward_times.cpu)}};
  out.add(row, ridge_times);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = [](CLI::App& app, arguments& a) {
    app.add_option("--forward-limit", a.forward_limit, "sequences to embed")->check(CLI::Range(1, 1000000));
    app.add_option("--targets", a.targets, "targets")->check(CLI::Range(1, 100000));
    app.add_option("--parts", a.parts, "folds")->check(CLI::Range(1, 10000));
    app.add_option("--formats", a.formats, "f32, bf16, int8");
  };
  const auto run = [](const arguments& a, report& out) {
    for (const auto format : parse_formats(a.formats)) measure(a, format, out);
  };
  return run_program(
      argc, argv,
      {"bench_ridge", "Ridge statistics as a share of the forward pass", "vectors a layer", 1000000},
      arguments{{.limit = 256}}, options, run);
}
