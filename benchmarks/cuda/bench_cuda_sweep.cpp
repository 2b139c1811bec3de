// SPDX-License-Identifier: Apache-2.0
// A layer sweep on a GPU: one pass over labelled sequences, cls and mean of every block, ridge statistics of
// all of them while the pass runs; no embedding is stored. A slice is measured, the whole is projected from
// it.
//
//   bench_cuda_sweep --case NAME --model FOLDER --sequences FILE [--limit 2000] [--total 639180] [--folds 5]
//                    [--random-weights] [--stated-peak TFLOPS]
//
// Rows: the slice's pass (text in, statistics on the GPU), and the projection: the pass for --total sequences
// at the slice's rate, and for each of the vectors the measured time of one: its moments come back, and a
// path of penalties is fitted and scored for each fold.
#include <CLI/CLI.hpp>
#include <memory>
#include <numeric>
#include <optional>

#include <dnalm/embed.hpp>
#include <dnalm/models.hpp>
#include <dnalm/models/on_cuda.hpp>
#include <dnalm/probe/ridge.hpp>
#include <dnalm/probe/ridge_on_cuda.hpp>

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
  index_t limit = 2000;
  index_t total = 639180;
  index_t folds = 5;
  bool random_weights = false;
  double stated = 0;
};

/// Puts every vector into the statistics of its layer and pooling; the label is the sequence's share of G and
/// C, the fold its number.
class statistics_sink : public dnalm::embedding_sink {
 public:
  statistics_sink(std::span<const dnalm::io::sequence_record> sequences, index_t folds)
      : sequences_(sequences), folds_(folds) {}

  void begin(const dnalm::embedding_shape& shape) override {
    layers_ = shape.layers.size();
    for (std::size_t i = 0; i < layers_ * shape.poolings.size(); ++i) {
      gathered_.push_back(maker_.make({.features = shape.width, .targets = 1, .parts = folds_}));
    }
  }
  /// The vectors stay on the GPU; those of a batch come in one piece, or in fast mode in several.
  [[nodiscard]] std::optional<int> device() const override { return maker_.device(); }
  void consume(index_t first, const dnalm::embedding_block& block) override {
    dnalm::matrix<double> labels(block.sequences, 1);
    std::vector<index_t> part;
    for (index_t s = 0; s < block.sequences; ++s) {
      const std::string& letters = sequences_[static_cast<std::size_t>(first + s)].sequence;
      const auto count =
          std::count_if(letters.begin(), letters.end(), [](char c) { return c == 'G' || c == 'C'; });
      labels(s, 0) = static_cast<double>(count) / static_cast<double>(letters.size());
      part.push_back((first + s) % folds_);
    }
    index_t row = 0;
    for (const auto& vectors : block.on_device) {
      const index_t rows = vectors->sequences();
      const auto some =
          std::span(part).subspan(static_cast<std::size_t>(row), static_cast<std::size_t>(rows));
      for (std::size_t i = 0; i < gathered_.size(); ++i) {
        gathered_[i]->add_on_device({vectors->rows(i % layers_, i / layers_), vectors},
                                    labels.view().row_block(row, rows), some);
      }
      row += rows;
    }
  }
  [[nodiscard]] std::size_t vectors() const { return gathered_.size(); }
  /// Fits and scores a path for each fold of one vector's statistics.
  void fit(std::size_t vector) const {
    std::vector<index_t> others;
    for (index_t fold = 0; fold < folds_; ++fold) {
      others.clear();
      for (index_t part = 0; part < folds_; ++part) {
        if (part != fold) others.push_back(part);
      }
      const dnalm::ridge_moments training = gathered_[vector]->moments(others);
      const dnalm::ridge_moments held = gathered_[vector]->moments(std::span<const index_t>(&fold, 1));
      const dnalm::ridge_path path(training);
      const std::vector<double> penalties = dnalm::default_penalties(path.penalty_unit());
      static_cast<void>(dnalm::score_moments(path.solve(penalties), held));
    }
  }

 private:
  std::span<const dnalm::io::sequence_record> sequences_;
  index_t folds_;
  std::size_t layers_ = 0;
  dnalm::cuda_ridge_maker maker_;
  std::vector<std::unique_ptr<dnalm::ridge_accumulator>> gathered_;
};

int run(const arguments& a) {
  report out("bench_cuda_sweep");
  double peak = a.stated * 1e12;
  {
    const dnalm::cuda_backend gpu;
    out.set("gpu", dnalm::describe(gpu.device()));
    if (peak == 0) peak = measured_peak(gpu);
  }
  const dnalm::load_options options = dnalm::on_cuda({.precision = dnalm::cuda_precision::bf16});
  const dnalm::model network =
      a.random_weights ? dnalm::random_twin(a.model, 1, options) : dnalm::load_model(a.model, options);
  std::vector<dnalm::io::sequence_record> records;
  double flops = 0;
  for (const std::string& sequence : read_sequences(a.sequences, a.limit)) {
    flops += forward_flops(std::get<dnalm::encoder_config>(network.describe().config),
                           static_cast<double>(network.tokenize(sequence).size()));
    records.emplace_back();
    records.back().sequence = sequence;
    records.back().number = static_cast<index_t>(records.size()) - 1;
  }
  const std::span<const dnalm::io::sequence_record> sequences(records);
  std::vector<index_t> blocks(static_cast<std::size_t>(network.describe().layers()));
  std::iota(blocks.begin(), blocks.end(), 1);
  const dnalm::embed_options asked{.layers = dnalm::layer_selection(blocks),
                                   .poolings = {dnalm::pooling::cls, dnalm::pooling::mean}};
  {
    const auto some = sequences.first(std::min<std::size_t>(256, sequences.size()));
    statistics_sink warm_up(some, a.folds);
    dnalm::embed(network, some, asked, warm_up);
  }
  statistics_sink sink(sequences, a.folds);
  const stopwatch watch(false);
  dnalm::embed(network, sequences, asked, sink);
  sink.fit(0);  // waits for the GPU; what a fit takes is taken off
  const timing all = watch.elapsed();
  const stopwatch fit_watch(false);
  sink.fit(sink.vectors() - 1);
  const timing fit = fit_watch.elapsed();
  const timing pass{all.wall - fit.wall, all.cpu - fit.cpu};
  const auto count = static_cast<double>(sequences.size());
  result_row slice{.name = "cuda_sweep/" + a.name + "/slice"};
  slice.work = flops;
  slice.floor_seconds = flops / peak;
  slice.floor = floor_text(peak, a.stated > 0);
  slice.more = {{"clock", "wall"},
                {"sequences", sequences.size()},
                {"vectors", sink.vectors()},
                {"sequences_per_second", count / pass.wall}};
  repetitions of_slice;
  of_slice.add(pass);
  out.add(slice, of_slice);
  const double factor = static_cast<double>(a.total) / count;
  const auto fits = static_cast<double>(sink.vectors());
  result_row whole{.name = "cuda_sweep/" + a.name + "/projected"};
  whole.work = flops * factor;
  whole.floor_seconds = whole.work / peak;
  whole.floor = slice.floor;
  whole.more = {{"clock", "wall"}, {"sequences", a.total}, {"projected", true}, {"fit_seconds", fit.wall}};
  repetitions of_whole;
  of_whole.add({pass.wall * factor + fit.wall * fits, pass.cpu * factor + fit.cpu * fits});
  out.add(whole, of_whole);
  out.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  arguments a;
  CLI::App app("A layer sweep with ridge probes on a GPU");
  app.add_option("--case", a.name, "name of the case");
  app.add_option("--model", a.model, "model folder")->required();
  app.add_option("--sequences", a.sequences, "file, one sequence a line")->required();
  app.add_option("--limit", a.limit, "first sequences only: the slice")->check(CLI::Range(1, 100000000));
  app.add_option("--total", a.total, "sequences of the whole")->check(CLI::Range(1, 100000000));
  app.add_option("--folds", a.folds, "parts of the sequences")->check(CLI::Range(2, 100));
  app.add_flag("--random-weights", a.random_weights, "the folder has none");
  app.add_option("--stated-peak", a.stated, "dense bf16 TFLOP/s that the card's maker states; 0: measured");
  CLI11_PARSE(app, argc, argv);
  return main_on_gpu("bench_cuda_sweep", [&] { return run(a); });
}
