// SPDX-License-Identifier: Apache-2.0
// Saliency and integrated gradients of a linear probe on the last hidden state, down to the nucleotide.
//
//   bench_saliency --case NAME --model FOLDER --sequences FILE [--limit 2] [--nodes 50] [--threads 1,2]
//   [--formats f32]
//
// The probe has weights of a formula, on the mean over tokens. The floor is that of gradients by the input: 2
// x the operations of the forward pass at the measured peak, once per sequence, or per sequence and node.
#include <string>
#include <vector>

#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/model_gradients.hpp>

#include "../support/sequence_bench.hpp"

namespace {

using namespace dnalm_bench;

struct arguments : sequence_arguments {
  std::string threads = "1,2";
  std::string formats = "f32";
  index_t nodes = 50;
};

/// Weights 1 where the channel is a multiple of 3, else -0.5.
dnalm::fitted_probe pattern_probe(const dnalm::model& network) {
  dnalm::fitted_probe probe;
  probe.layer = network.describe().layers();
  probe.pooling = "mean";
  probe.width = network.describe().width();
  probe.intercept = {0};
  for (index_t c = 0; c < probe.width; ++c) probe.weights.push_back(c % 3 == 0 ? 1.0 : -0.5);
  return probe;
}

class saliency_bench {
 public:
  saliency_bench(const arguments& a, dnalm::weight_format format, int threads)
      : a_(a),
        format_(format),
        threads_(threads),
        network_(load_on(a.model, dnalm::cpu_backend(format))),
        sequences_(read_sequences(a.sequences, a.limit)),
        peak_(peak_of(format, threads)),
        function_(dnalm::nucleotide_function({network_, pattern_probe(network_)}, {.threads = threads})) {
    for (const std::string& sequence : sequences_) {
      const auto tokens = static_cast<double>(network_.tokenize(sequence).ids.size());
      flops_ += 2 * forward_flops(network_.describe().config, tokens);
    }
  }

  void run(report& out) {
    static_cast<void>(saliency());
    repetitions saliency_times;
    repetitions path_times;
    repeat(a_.repeats, peak_, [&] { saliency_times.add(saliency()); });
    repeat((a_.repeats + 1) / 2, peak_, [&] { path_times.add(paths()); });
    add("saliency", saliency_times, 1, static_cast<double>(sequences_.size()), out);
    add("integrated_gradients", path_times, static_cast<double>(a_.nodes), 1.0, out);
  }

 private:
  timing saliency() {
    const stopwatch watch(false);
    value_ = dnalm::saliency(function_, sequences_).front().value;
    return per_thread(watch.elapsed());
  }
  timing paths() {
    const stopwatch watch(false);
    const dnalm::path_options options{
        .from = {.kind = dnalm::baseline_kind::uniform}, .nodes = a_.nodes, .most_nodes = a_.nodes};
    const std::vector<std::string> first = {sequences_.front()};
    value_ = dnalm::integrated_gradients(function_, first, options).front().value;
    return per_thread(watch.elapsed());
  }
  [[nodiscard]] timing per_thread(timing time) const { return {time.wall, time.cpu / threads_}; }
  void add(const std::string& what, const repetitions& times, double passes, double sequences, report& out) {
    const double work = passes * flops_ * sequences / static_cast<double>(sequences_.size());
    result_row row = row_at_peak(what, a_, format_, threads_, work, peak_);
    row.more = {{"sequences", sequences}, {"nodes", passes}, {"value", value_}};
    out.add(row, times);
  }

  const arguments& a_;
  dnalm::weight_format format_;
  int threads_;
  dnalm::model network_;
  std::vector<std::string> sequences_;
  peak_meter peak_;
  dnalm::relaxed_function function_;
  double flops_ = 0;
  double value_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto options = [](CLI::App& app, arguments& a) {
    app.add_option("--nodes", a.nodes, "nodes of integrated gradients")->check(CLI::Range(1, 1024));
    app.add_option("--threads", a.threads, "numbers of threads");
    app.add_option("--formats", a.formats, "f32, bf16, int8");
  };
  const auto measure = [](const arguments& a, report& out) {
    for (const auto format : parse_formats(a.formats)) {
      for (const int threads : parse_threads(a.threads)) saliency_bench(a, format, threads).run(out);
    }
  };
  return run_program(argc, argv,
                     {"bench_saliency", "Saliency and integrated gradients down to the nucleotide",
                      "sequences of saliency; integrated gradients take the first"},
                     arguments{{.limit = 2, .repeats = 3}}, options, measure);
}
