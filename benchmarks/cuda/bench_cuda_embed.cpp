// SPDX-License-Identifier: Apache-2.0
// Sequences to mean-pooled embeddings of all layers on a GPU, from text to host memory; and the device time
// of the first sequence's forward pass alone.
//
//   bench_cuda_embed --case NAME --model FOLDER --sequences FILE [--limit 1000] [--precisions bf16,f32]
//                    [--repeats 5] [--stated-peak TFLOPS]
//
// The floor is (2 x block weights per token + 4 D L per token and layer) operations at the dense bf16 peak.
#include <CLI/CLI.hpp>
#include <memory>
#include <span>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <dnalm/models/on_cuda.hpp>

#include "../support/bench_model.hpp"
#include "../support/forward_flops.hpp"
#include "../support/model_shapes.hpp"
#include "../support/report.hpp"
#include "gpu.hpp"

namespace {

using namespace dnalm_bench;

struct arguments {
  std::string name = "custom";
  std::string model;
  std::string sequences;
  std::string precisions = "bf16,f32";
  index_t limit = 0;
  int repeats = 5;
  double stated = 0;
};

struct workload {
  std::vector<std::string> sequences;
  double bases = 0;
  double tokens = 0;
  double flops = 0;
};

workload make_workload(const dnalm::model& network, std::vector<std::string> sequences) {
  workload work;
  work.sequences = std::move(sequences);
  for (const std::string& sequence : work.sequences) {
    const auto tokens = static_cast<double>(network.tokenize(sequence).size());
    work.bases += static_cast<double>(sequence.size());
    work.tokens += tokens;
    work.flops += forward_flops(network.describe().config, tokens);
  }
  return work;
}

void measure_embed(const dnalm::model& network, const workload& work, const std::string& precision,
                   double peak, const arguments& a, report& out) {
  std::vector<float> sample;
  repetitions times;
  for (int r = -1; r < a.repeats; ++r) {  // once to warm up
    const stopwatch watch(false);
    const dnalm::embeddings found = dnalm::embed(network, work.sequences);
    const timing elapsed = watch.elapsed();
    if (r >= 0) times.add(elapsed);
    const auto& last = found.at(dnalm::pooling::mean, found.layers.back());
    sample.clear();
    for (std::size_t c = 0; c < std::min<std::size_t>(8, last.shape(1)); ++c) sample.push_back(last(0, c));
  }
  const double wall = median(times.wall);
  result_row row{.name = "cuda_embed/" + a.name + "/" + precision};
  row.work = work.flops;
  row.floor_seconds = work.flops / peak;
  row.floor = floor_text(peak, a.stated > 0);
  row.more = {{"clock", "wall"},
              {"model", network.describe().name},
              {"sequences", work.sequences.size()},
              {"bases", work.bases},
              {"tokens", work.tokens},
              {"sequences_per_second", static_cast<double>(work.sequences.size()) / wall},
              {"tokens_per_second", work.tokens / wall},
              {"peak", peak},
              {"sample", sample}};
  out.add(row, times);
}

/// Work for the GPU that lasts while the host puts the kernels of a forward pass into the stream: between its
/// events then stands device time alone.
class blocker {
 public:
  explicit blocker(const dnalm::cuda_backend& gpu)
      : gpu_(gpu),
        w_(gpu.pack(view(random_floats(n * n, 4)))),
        x_(gpu.upload(random_floats(n * n, 5), n, n)),
        y_(gpu.allocate(n * n)) {}
  void put() {
    for (int i = 0; i < 40; ++i) gpu_.linear(x_.view(), w_, {}, {}, {y_.data(), n, n, n});
  }

 private:
  static constexpr index_t n = 4096;
  [[nodiscard]] static dnalm::matrix_view<const float> view(const std::vector<float>& values) {
    return {values.data(), n, n, n};
  }
  dnalm::cuda_backend gpu_;
  dnalm::cuda_weight w_;
  dnalm::device_tensor<float> x_;
  dnalm::device_buffer<float> y_;
};

void measure_single(const std::string& precision_name, dnalm::cuda_precision precision,
                    std::span<const std::int32_t> ids, double peak, const arguments& a, report& out) {
  const dnalm::cuda_backend gpu({.precision = precision});
  const dnalm::encoder_config config = dnalm::read_encoder_config(a.model);
  const dnalm::checkpoint_source source(dnalm::io::checkpoint::open(a.model), dnalm::plan_tensors(config),
                                        a.model);
  const dnalm::encoder<dnalm::cuda_backend> network(gpu, config, source);
  dnalm::encoder<dnalm::cuda_backend>::workspace workspace;
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  const auto no_layer = [](index_t, dnalm::input_matrix<dnalm::cuda_backend>) {};
  blocker block(gpu);
  device_clock clock(gpu.stream());
  repetitions times;
  for (int r = -3; r < 4 * a.repeats; ++r) {
    block.put();
    const stopwatch host(true);
    clock.start();
    network.forward({ids, offsets, {}}, no_layer, nullptr, workspace);
    const double cpu = host.elapsed().cpu;
    const double device = clock.stop();
    if (r >= 0) times.add({device, cpu});
  }
  const auto tokens = static_cast<double>(ids.size());
  result_row row{.name = "cuda_single/" + a.name + "/" + precision_name};
  row.work = forward_flops(config, tokens);
  row.floor_seconds = row.work / peak;
  row.floor = floor_text(peak, a.stated > 0);
  row.more = {{"clock", "device"}, {"tokens", tokens}, {"peak", peak}};
  out.add(row, times);
}

int run(const arguments& a) {
  report out("bench_cuda_embed");
  double peak = a.stated * 1e12;
  for (const auto& [name, precision] : parse_precisions(a.precisions)) {
    const dnalm::cuda_backend gpu({.precision = precision});
    out.set("gpu", dnalm::describe(gpu.device()));
    if (peak == 0) peak = measured_peak(gpu);
    const dnalm::model network = dnalm::load_model(a.model, dnalm::on_cuda({.precision = precision}));
    const workload work = make_workload(network, read_sequences(a.sequences, a.limit));
    measure_embed(network, work, name, peak, a, out);
    measure_single(name, precision, network.tokenize(work.sequences.front()).ids, peak, a, out);
  }
  out.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app("Sequences to embeddings on a GPU");
  app.add_option("--case", a.name, "name of the case");
  app.add_option("--model", a.model, "model folder")->required();
  app.add_option("--sequences", a.sequences, "file, one sequence a line")->required();
  app.add_option("--limit", a.limit, "first sequences only");
  app.add_option("--precisions", a.precisions, "f32, tf32, bf16, f16");
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_option("--stated-peak", a.stated, "dense bf16 TFLOP/s that the card's maker states; 0: measured");
  CLI11_PARSE(app, argc, argv);
  return main_on_gpu("bench_cuda_embed", [&] { return run(a); });
}
