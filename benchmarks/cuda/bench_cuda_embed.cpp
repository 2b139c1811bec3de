// SPDX-License-Identifier: Apache-2.0
// Sequences to mean-pooled embeddings of all layers on a GPU, from text to host memory; and the device time
// of the first sequence's forward pass alone, as a recorded graph that is replayed.
//
//   bench_cuda_embed --case NAME --model FOLDER --sequences FILE [--limit 1000] [--precisions bf16,f32]
//                    [--modes deterministic,fast] [--random-weights] [--repeats 5] [--stated-peak TFLOPS]
//
// The pass alone is a row of transformers only. With --random-weights the folder needs a configuration and a
// tokenizer only. Each mode is a row of its own; `deterministic_over_fast` of the second says what the first
// costs. The floor is (2 x block weights per token + 4 D L per token and layer) operations at the dense bf16
// peak.
#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <variant>

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
  std::string modes = "deterministic";
  bool random_weights = false;
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

/// Adds a row and gives its seconds. `deterministic`: those of the same in deterministic mode; 0: not asked.
double measure_embed(const dnalm::model& network, const workload& work, const std::string& row_name,
                     double peak, double deterministic, const arguments& a, report& out) {
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
  result_row row{.name = "cuda_embed/" + a.name + "/" + row_name};
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
  if (deterministic > 0) row.more["deterministic_over_fast"] = deterministic / wall;
  out.add(row, times);
  return wall;
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

/// Device time of the replayed graph of one sequence's blocks: all of a pass behind the embedding of its
/// tokens.
template <class B>
void measure_single(const B& gpu, const std::string& row_name, std::span<const std::int32_t> ids, double peak,
                    const arguments& a, report& out) {
  const dnalm::encoder_config config = dnalm::read_encoder_config(a.model);
  const auto plan = dnalm::plan_tensors(config);
  std::unique_ptr<const dnalm::weight_source> source;
  if (a.random_weights) {
    source = std::make_unique<dnalm::random_source>(1, config.initializer_range);
  } else {
    source = std::make_unique<dnalm::checkpoint_source>(dnalm::io::checkpoint::open(a.model), plan, a.model);
  }
  const dnalm::encoder<B> network(gpu, config, *source, 0);
  typename dnalm::encoder<B>::workspace workspace;
  dnalm::ragged_offsets offsets;
  offsets.append(static_cast<index_t>(ids.size()));
  const auto no_layer = [](index_t, dnalm::input_matrix<B>) {};
  const dnalm::token_batch batch{ids, offsets, {}};
  network.forward(batch, no_layer, nullptr, workspace);  // what a recording finds: plans, tables, memory
  auto begun = network.begin(batch, false, workspace);
  const auto graph = gpu.capture([&] { network.run(begun, no_layer, nullptr, workspace); });
  blocker block(gpu);
  device_clock clock(gpu.stream());
  repetitions times;
  for (int r = -3; r < 4 * a.repeats; ++r) {
    block.put();
    const stopwatch host(true);
    clock.start();
    gpu.replay(graph);
    const double cpu = host.elapsed().cpu;
    const double device = clock.stop();
    if (r >= 0) times.add({device, cpu});
  }
  const auto tokens = static_cast<double>(ids.size());
  result_row row{.name = "cuda_single/" + a.name + "/" + row_name};
  row.work = forward_flops(config, tokens);
  row.floor_seconds = row.work / peak;
  row.floor = floor_text(peak, a.stated > 0);
  row.more = {{"clock", "device"}, {"tokens", tokens}, {"peak", peak}};
  out.add(row, times);
}

/// As measure_embed, and the row of one sequence alone.
double measure_mode(const std::string& precision, const dnalm::cuda_options& where, double peak,
                    double deterministic, const arguments& a, report& out) {
  const std::string row_name = precision + (where.deterministic ? "" : ", fast");
  std::vector<std::int32_t> first;
  double seconds = 0;
  bool is_encoder = false;
  {
    const dnalm::load_options options = dnalm::on_cuda(where);
    const dnalm::model network =
        a.random_weights ? dnalm::random_twin(a.model, 1, options) : dnalm::load_model(a.model, options);
    const workload work = make_workload(network, read_sequences(a.sequences, a.limit));
    seconds = measure_embed(network, work, row_name, peak, where.deterministic ? 0 : deterministic, a, out);
    first = network.tokenize(work.sequences.front()).ids;
    is_encoder = std::holds_alternative<dnalm::encoder_config>(network.describe().config);
  }
  if (!is_encoder) return seconds;
  if (where.precision == dnalm::cuda_precision::bf16) {
    measure_single(dnalm::cuda_bf16_backend(where), row_name, first, peak, a, out);
  } else {
    measure_single(dnalm::cuda_backend(where), row_name, first, peak, a, out);
  }
  return seconds;
}

int run(const arguments& a) {
  report out("bench_cuda_embed");
  double peak = a.stated * 1e12;
  {
    const dnalm::cuda_backend gpu;
    out.set("gpu", dnalm::describe(gpu.device()));
    if (peak == 0) peak = measured_peak(gpu);
  }
  for (const auto& [name, precision] : parse_precisions(a.precisions)) {
    double deterministic = 0;
    for (const std::string& mode : split(a.modes, ',')) {
      if (mode != "deterministic" && mode != "fast") {
        throw std::invalid_argument("deterministic or fast expected: '" + mode + "'");
      }
      const dnalm::cuda_options where{.precision = precision, .deterministic = mode == "deterministic"};
      const double seconds = measure_mode(name, where, peak, deterministic, a, out);
      if (where.deterministic) deterministic = seconds;
    }
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
  app.add_option("--modes", a.modes, "deterministic, fast");
  app.add_flag("--random-weights", a.random_weights, "the folder has none");
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_option("--stated-peak", a.stated, "dense bf16 TFLOP/s that the card's maker states; 0: measured");
  CLI11_PARSE(app, argc, argv);
  return main_on_gpu("bench_cuda_embed", [&] { return run(a); });
}
