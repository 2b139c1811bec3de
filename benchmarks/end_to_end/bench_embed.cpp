// SPDX-License-Identifier: Apache-2.0
// Sequences to mean-pooled embeddings of all layers, tokenising included.
//
//   bench_embed --case NAME --model FOLDER --sequences FILE [--limit 1000] [--formats f32,bf16] [--threads
//   1,2]
//               [--repeats 3] [--profile]
//
// The floor is the operations of the forward pass (support/forward_flops.hpp) at the multiply-add peak that
// is measured before each repetition. Before the first, one sequence runs: what is made once for a length
// (filters of HyenaDNA) is there then. `--profile` prints the time of each kernel instead, on one thread.
#include <CLI/CLI.hpp>
#include <cmath>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <dnalm/embed/embed.hpp>
#include <dnalm/models/detail/encoder_instances_impl.hpp>

#include "../support/bench_model.hpp"
#include "../support/forward_flops.hpp"
#include "../support/lists.hpp"
#include "../support/model_shapes.hpp"
#include "../support/peak.hpp"
#include "../support/report.hpp"
#include "timed_backend.hpp"

namespace {

using namespace dnalm_bench;

/// Forgets the embeddings, but for a sample that shows that peers compute the same.
class sample_sink final : public dnalm::embedding_sink {
 public:
  void begin(const dnalm::embedding_shape& shape) override { last_ = shape.layers.size() - 1; }
  void consume(index_t first, const dnalm::embedding_block& block) override {
    if (first != 0) return;
    const dnalm::matrix<float>& values = block.values[last_];
    sample_.assign(values.data(), values.data() + std::min<index_t>(8, values.columns()));
  }
  /// The first channels of the last layer's vector of the first sequence.
  [[nodiscard]] const std::vector<float>& sample() const { return sample_; }

 private:
  std::size_t last_ = 0;
  std::vector<float> sample_;
};

struct workload {
  std::vector<dnalm::io::sequence_record> records;
  double bases = 0;
  double tokens = 0;
  double flops = 0;
};

workload make_workload(const dnalm::model& network, const std::vector<std::string>& sequences) {
  workload work;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    work.records.push_back({.name = std::to_string(s), .sequence = sequences[s]});
    work.bases += static_cast<double>(sequences[s].size());
    const auto tokens = static_cast<double>(network.tokenize(sequences[s]).size());
    work.tokens += tokens;
    work.flops += forward_flops(network.describe().config, tokens);
  }
  return work;
}

timing run_once(const dnalm::model& network, const workload& work, int threads, sample_sink& sink) {
  const stopwatch watch(false);
  dnalm::embed(network, work.records, {.threads = threads}, sink);
  return watch.elapsed();
}

/// One format and number of threads.
struct contender {
  dnalm::weight_format format = dnalm::weight_format::f32;
  int threads = 1;
  peak_meter peak;
  repetitions times = {};
  sample_sink sink = {};
};

void measure(const std::string& name, const workload& work, const dnalm::model& network, contender& c,
             report& out) {
  result_row row{.name = "embed/" + name + "/" + std::string(to_string(c.format)) + "/t" +
                         std::to_string(c.threads)};
  row.threads = c.threads;
  row.work = work.flops;
  row.floor_seconds = c.peak.floor_seconds(work.flops);
  row.floor = c.peak.floor_name();
  row.more = {{"model", network.describe().name},
              {"sequences", work.records.size()},
              {"bases", work.bases},
              {"tokens", work.tokens},
              {"peak", c.peak.rate()},
              {"sample", c.sink.sample()}};
  // Processor time of the whole process; per thread, so that it compares with wall time.
  repetitions times = c.times;
  for (double& seconds : times.cpu) seconds /= c.threads;
  out.add(row, times);
}

struct arguments {
  std::string name = "custom";
  std::string model;
  std::string sequences;
  std::string formats = "f32,bf16";
  std::string threads = "1,2";
  index_t limit = 0;
  int repeats = 3;
  bool profile = false;
};

void profile_format(const arguments& a, dnalm::weight_format format,
                    const std::vector<std::string>& sequences) {
  const auto profile = std::make_shared<kernel_profile>();
  const dnalm::model network = load_on(a.model, timed_backend(dnalm::cpu_backend(format), profile));
  const workload work = make_workload(network, sequences);
  peak_meter peak(bound_of(dnalm::choose_isa(), format != dnalm::weight_format::f32), 1);
  sample_sink sink;
  run_once(network, work, 1, sink);
  profile->clear();
  for (int i = 0; i < 5; ++i) peak.sample();
  const stopwatch tokenising(true);
  for (const std::string& sequence : sequences) static_cast<void>(network.tokenize(sequence));
  const double token_seconds = tokenising.elapsed().cpu;
  const timing t = run_once(network, work, 1, sink);
  std::cout << a.name << " " << to_string(format) << ", " << work.records.size() << " sequences, "
            << work.tokens << " tokens; load " << load_average() << "\n  " << t.cpu << " s processor time, "
            << t.wall << " s wall; floor " << peak.floor_seconds(work.flops) << " s (" << peak.rate() / 1e9
            << " GFLOP/s): " << 100 * peak.floor_seconds(work.flops) / t.cpu << " %; tokenising "
            << token_seconds << " s\n";
  print_profile(std::cout, *profile, t.cpu, peak.rate());
}

void warm_up(const dnalm::model& network, const workload& work) {
  sample_sink sink;
  dnalm::embed(network, {work.records.data(), 1}, {.threads = 1}, sink);
}

void run_all(const arguments& a, const std::vector<std::string>& sequences, report& out) {
  std::vector<std::pair<dnalm::weight_format, dnalm::model>> networks;
  for (const auto format : parse_formats(a.formats)) {
    networks.emplace_back(format, load_on(a.model, dnalm::cpu_backend(format)));
  }
  const workload work = make_workload(networks.front().second, sequences);
  std::vector<contender> contenders;
  for (const auto& [format, network] : networks) {
    for (const int threads : parse_threads(a.threads)) {
      const auto kind = bound_of(dnalm::choose_isa(), format != dnalm::weight_format::f32);
      contenders.push_back({.format = format, .threads = threads, .peak = peak_meter(kind, threads)});
    }
  }
  const auto network_of = [&](const contender& c) -> const dnalm::model& {
    for (const auto& [format, network] : networks) {
      if (format == c.format) return network;
    }
    throw std::logic_error("no model of this format");
  };
  for (const auto& [format, network] : networks) warm_up(network, work);
  for (int r = 0; r < a.repeats; ++r) {
    for (contender& c : contenders) {
      for (int i = 0; i < 5; ++i) c.peak.sample();
      c.times.add(run_once(network_of(c), work, c.threads, c.sink));
    }
  }
  for (contender& c : contenders) measure(a.name, work, network_of(c), c, out);
}

}  // namespace

int main(int argc, char** argv) try {
  arguments a;
  CLI::App app("Sequences to embeddings");
  app.add_option("--case", a.name, "name of the case");
  app.add_option("--model", a.model, "model folder")->required();
  app.add_option("--sequences", a.sequences, "file, one sequence a line")->required();
  app.add_option("--limit", a.limit, "first sequences only");
  app.add_option("--formats", a.formats, "f32, bf16, int8");
  app.add_option("--threads", a.threads, "numbers of threads");
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_flag("--profile", a.profile, "time by kernel");
  CLI11_PARSE(app, argc, argv);
  const std::vector<std::string> sequences = read_sequences(a.sequences, a.limit);
  if (a.profile) {
    for (const auto format : parse_formats(a.formats)) profile_format(a, format, sequences);
    return 0;
  }
  report out("bench_embed");
  run_all(a, sequences, out);
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
