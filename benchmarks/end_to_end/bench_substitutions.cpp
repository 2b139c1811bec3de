// SPDX-License-Identifier: Apache-2.0
// In-silico mutagenesis: a pass for each edit, and what each edit reaches.
//
//   bench_substitutions [--case NAME] [--model FOLDER] [--read mean] [--length 1000] [--naive 64] [--edits 0]
//                       [--repeats 5] [--write FILE]
//
// One thread. A model of a folder (GPN, HyenaDNA) is read as the mean of its last state or, with `--read
// centre`, as the logits of the token in the middle. Without one it is a convolutional network on one-hot
// DNA: the layers of Basset (convolutions of 300, 200 and 200 channels with 19, 11 and 7 taps, pooling by 3,
// 4 and 4, two dense layers of 1000) and random weights. The naive way runs `naive` edits spread over the
// sequence, the other one `edits` of them (0: all 3 L). Times are per edit, those of the other way as if all
// ran together: the pass of the unedited sequence counts 1 / 3 L to each. over_naive is the ratio of their
// medians. Of GPN `rows_over_naive` is the share of the rows of a pass that the edits need by the field of
// its convolutions: the floor of over_naive, but for kernels that do better on some sizes. --write keeps the
// convolutional network's tensors and the sequence for a peer; `sample` has the effects of the edits
// `sample_edits` (position, letter).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/models/backends.hpp>
#include <dnalm/models/graph_builder.hpp>
#include <dnalm/models/layer_network.hpp>
#include <dnalm/models/model_of.hpp>
#include <dnalm/models/model_tokenizer.hpp>
#include <dnalm/models/random_source.hpp>

#include "../support/bench_model.hpp"
#include "../support/clock.hpp"
#include "../support/forward_flops.hpp"
#include "../support/report.hpp"

namespace {

using namespace dnalm_bench;
using dnalm::index_t;

struct arguments {
  std::string name = "cnn_1kb";
  std::string model;
  std::string read = "mean";
  index_t length = 1000;
  index_t naive = 64;
  index_t edits = 0;
  int repeats = 5;
  std::string write;
};

dnalm::layer_graph network_graph(index_t length) {
  const std::vector<index_t> taps = {19, 11, 7};
  const std::vector<index_t> widths = {4, 300, 200, 200};
  const std::vector<index_t> pools = {3, 4, 4};
  index_t rows = length;
  for (const index_t pool : pools) rows /= pool;
  std::vector<dnalm::io::tensor_info> tensors;
  const auto name = [](const char* kind, std::size_t i) { return kind + std::to_string(i); };
  const auto tensor = [&](const std::string& of, std::vector<index_t> shape) {
    tensors.push_back({.name = of + ".weight", .shape = shape});
    tensors.push_back({.name = of + ".bias", .shape = {shape.front()}});
  };
  for (std::size_t i = 0; i < 3; ++i) tensor(name("convolution", i), {widths[i + 1], widths[i], taps[i]});
  tensor("dense0", {1000, rows * 200});
  tensor("dense1", {1000, 1000});
  tensor("dense2", {1, 1000});
  const dnalm::tensor_table table(tensors, "benchmark");
  dnalm::graph_builder net("one-hot CNN", {.length = length}, table);
  index_t x = dnalm::graph_builder::input();
  for (std::size_t i = 0; i < 3; ++i) {
    x = net.relu(net.convolution(x, name("convolution", i), {.same = true}));
    x = net.max_pool(x, {pools[i], pools[i]});
  }
  x = net.relu(net.dense(net.flatten(x, false), "dense0"));
  x = net.relu(net.dense(x, "dense1"));
  net.output("prediction", net.dense(x, "dense2"));
  return net.take();
}

dnalm::model make_model(const dnalm::layer_graph& graph) {
  using network = dnalm::layer_network<dnalm::cpu_backend>;
  dnalm::model_description about;
  about.name = "one-hot CNN";
  about.config = graph;
  about.tokens = dnalm::base_tokenizer();
  const dnalm::random_source source(1, graph.initializer_range);
  return {std::make_shared<const dnalm::model_of<network>>(network(dnalm::cpu_backend(), graph, source)),
          std::move(about)};
}

/// The numbers that make_model gives the network, and the letters of the sequence as bytes `sequence`.
void write_network(const std::filesystem::path& file, const dnalm::layer_graph& graph,
                   const std::string& sequence) {
  const dnalm::random_source source(1, graph.initializer_range);
  const auto plan = dnalm::plan_tensors(graph);
  std::vector<std::vector<float>> numbers;
  std::vector<dnalm::io::tensor_to_write> tensors;
  numbers.reserve(plan.size());
  for (const dnalm::planned_tensor& tensor : plan) {
    numbers.emplace_back(static_cast<std::size_t>(dnalm::checked_size(tensor.shape)));
    source.read(tensor, std::span<float>(numbers.back()));
    tensors.push_back(dnalm::io::make_tensor(tensor.name, numbers.back(), tensor.shape));
  }
  tensors.push_back({.name = "sequence",
                     .type = dnalm::dtype::u8,
                     .shape = {static_cast<index_t>(sequence.size())},
                     .bytes = std::as_bytes(std::span(sequence))});
  dnalm::io::write_safetensors(file, tensors);
}

/// `count` edits spread over the sequence; 0: all of them.
std::vector<dnalm::substitution> spread_edits(const std::string& sequence, index_t count) {
  std::vector<dnalm::substitution> all;
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    for (int letter = 0; letter < 4; ++letter) {
      if (letter != dnalm::base_code(sequence[i])) all.push_back({static_cast<index_t>(i), letter});
    }
  }
  if (count == 0 || count >= static_cast<index_t>(all.size())) return all;
  std::vector<dnalm::substitution> some;
  for (index_t k = 0; k < count; ++k) {
    some.push_back(all[static_cast<std::size_t>(k * static_cast<index_t>(all.size()) / count)]);
  }
  return some;
}

class substitution_bench {
 public:
  explicit substitution_bench(const arguments& a)
      : a_(a),
        network_(a.model.empty() ? make_model(network_graph(a.length))
                                 : load_on(a.model, dnalm::cpu_backend())),
        state_(network_.logits_state()),
        letters_(network_.tokenize("ACGT").ids) {
    dnalm::philox random(11, 1);
    for (index_t i = 0; i < a.length; ++i) sequence_ += "ACGT"[random.below(4)];
    some_ = spread_edits(sequence_, a.naive);
    edits_ = spread_edits(sequence_, a.edits);
    if (!a.write.empty()) write_network(a.write, network_graph(a.length), sequence_);
  }

  void run(report& out) {
    naive();
    reused();
    for (int r = 0; r < a_.repeats; ++r) {
      naive_times_.add(per_edit(naive(), some_.size()));
      reused_times_.add(per_edit_of_all(reused(), shared()));
    }
    add("substitutions_naive", naive_times_, nlohmann::json::object(), out);
    nlohmann::json more = sample();
    if (const auto* convnet = std::get_if<dnalm::convnet_config>(&network_.describe().config)) {
      more["rows_over_naive"] = edited_share(*convnet);
    }
    add("substitutions", reused_times_, std::move(more), out);
  }

 private:
  static timing per_edit(timing t, std::size_t edits) {
    return {t.wall / static_cast<double>(edits), t.cpu / static_cast<double>(edits)};
  }
  /// Of a run of some edits, what one takes when all run together: what they share is theirs in equal parts.
  [[nodiscard]] timing per_edit_of_all(timing some, timing shared) const {
    const auto all = static_cast<double>(spread_edits(sequence_, 0).size());
    const auto count = static_cast<double>(edits_.size());
    const auto share = [&](double run, double common) { return (run - common) / count + common / all; };
    return {share(some.wall, shared.wall), share(some.cpu, shared.cpu)};
  }
  /// What edits of a sequence share: the pass of the unedited one.
  timing shared() {
    const stopwatch watch(true);
    const dnalm::token_sequence tokens = network_.tokenize(sequence_);
    const dnalm::edit_request request{.state = state_, .logits = a_.read == "centre"};
    const auto none = [](index_t, dnalm::matrix_view<const float>) {};
    static_cast<void>(network_.edited_states(tokens.ids, {}, request, none, workspace_));
    return watch.elapsed();
  }
  /// The mean of each sequence's rows and of the first half of their columns: of all columns a norm makes
  /// nothing.
  static void read(dnalm::matrix_view<const float> x, index_t rows, std::span<double> values) {
    const index_t columns = (x.columns + 1) / 2;
    for (index_t r = 0; r < x.rows; ++r) {
      double& value = values[static_cast<std::size_t>(r / rows)];
      for (index_t c = 0; c < columns; ++c) {
        value += static_cast<double>(x(r, c)) / static_cast<double>(rows * columns);
      }
    }
  }
  /// Passes of edited sequences, in batches of the size that the network prefers.
  timing naive() {
    const stopwatch watch(true);
    const dnalm::token_sequence tokens = network_.tokenize(sequence_);
    const auto most =
        static_cast<std::size_t>(std::max<index_t>(network_.prefers().tokens / tokens.size(), 1));
    naive_value_ = 0;
    for (std::size_t first = 0; first < some_.size(); first += most) {
      std::vector<std::int32_t> batch;
      dnalm::ragged_offsets offsets;
      for (std::size_t e = first; e < std::min(some_.size(), first + most); ++e) {
        const std::size_t start = batch.size();
        batch.insert(batch.end(), tokens.ids.begin(), tokens.ids.end());
        std::size_t at = 0;
        while (tokens.end[at] <= some_[e].position) ++at;
        batch[start + at] = letters_[static_cast<std::size_t>(some_[e].letter)];
        offsets.append(tokens.size());
      }
      std::vector<double> values(static_cast<std::size_t>(offsets.sequences()));
      pass(batch, offsets, values);
      for (const double value : values) naive_value_ += value;
    }
    return watch.elapsed();
  }
  void pass(std::span<const std::int32_t> batch, const dnalm::ragged_offsets& offsets,
            std::span<double> values) {
    const index_t sequences = offsets.sequences();
    if (a_.read == "centre") {
      std::vector<index_t> rows;
      for (index_t s = 0; s < sequences; ++s) rows.push_back(offsets.begin(s) + offsets.length(s) / 2);
      const auto take = [&](dnalm::matrix_view<const float> x) { read(x, 1, values); };
      return network_.logits({batch, offsets}, rows, take, workspace_);
    }
    const auto take = [&](index_t state, dnalm::matrix_view<const float> x) {
      if (state == state_) read(x, x.rows / sequences, values);
    };
    network_.forward(batch, offsets, take, workspace_);
  }
  [[nodiscard]] dnalm::substitution_function reused_function() const {
    dnalm::read_output output{.state = state_};
    if (a_.read == "centre") {
      output.logits = true;
      output.rows = [](index_t rows) { return std::vector<index_t>{rows / 2}; };
    }
    return dnalm::function_of_edits(network_, output, 1, read, {.threads = 1});
  }
  timing reused() {
    const stopwatch watch(true);
    const auto f = reused_function();
    std::vector<double> values(edits_.size());
    f.evaluate(sequence_, edits_, values);
    reused_value_ = 0;
    for (const double value : values) reused_value_ += value;
    return watch.elapsed();
  }
  /// Rows of all blocks that the edits need, as a share of those of a pass of each.
  [[nodiscard]] double edited_share(const dnalm::convnet_config& config) const {
    const dnalm::detail::row_range all{0, a_.length};
    const index_t centre = a_.length / 2;
    const auto read_rows = a_.read == "centre" ? dnalm::detail::row_range{centre, centre + 1} : all;
    double rows = 0;
    for (const auto& edit : edits_) rows += edited_rows(config, a_.length, edit.position, read_rows);
    return rows / static_cast<double>(edits_.size() * static_cast<std::size_t>(a_.length * config.layers));
  }
  /// The effects of a few edits: what a peer that computes the same numbers shows too.
  [[nodiscard]] nlohmann::json sample() const {
    std::vector<dnalm::substitution> asked = spread_edits(sequence_, 12);
    nlohmann::json edits = nlohmann::json::array();
    for (const auto& edit : asked) edits.push_back({edit.position, edit.letter});
    asked.emplace_back();  // the sequence as it is
    std::vector<double> values(asked.size());
    reused_function().evaluate(sequence_, asked, values);
    std::vector<double> effects;
    for (std::size_t k = 0; k + 1 < values.size(); ++k) effects.push_back(values[k] - values.back());
    return {{"sample_edits", edits}, {"sample", effects}};
  }
  void add(const std::string& what, const repetitions& times, nlohmann::json more, report& out) {
    result_row row{.name = what + "/" + a_.name + "/f32/t1"};
    row.work = forward_flops(network_.describe().config, static_cast<double>(a_.length));
    row.more = std::move(more);
    row.more.update(
        {{"clock", "cpu"},
         {"edits", what == "substitutions" ? edits_.size() : some_.size()},
         {"mean_value", what == "substitutions" ? reused_value_ / static_cast<double>(edits_.size())
                                                : naive_value_ / static_cast<double>(some_.size())},
         {"over_naive", median(times.cpu) / median(naive_times_.cpu)}});
    out.add(row, times);
  }

  const arguments& a_;
  dnalm::model network_;
  index_t state_;
  std::vector<std::int32_t> letters_;  // A, C, G, T, and what the tokenizer puts behind them
  std::string sequence_;
  std::vector<dnalm::substitution> some_;
  std::vector<dnalm::substitution> edits_;
  dnalm::forward_workspace workspace_;
  repetitions naive_times_;
  repetitions reused_times_;
  double naive_value_ = 0;
  double reused_value_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  arguments a;
  CLI::App app("In-silico mutagenesis: naive, and what each edit reaches");
  app.add_option("--case", a.name, "name of the case");
  app.add_option("--model", a.model, "model folder; none: a convolutional network");
  app.add_option("--read", a.read, "what of a model is read: mean or centre")
      ->check(CLI::IsMember({"mean", "centre"}));
  app.add_option("--length", a.length, "bases")->check(CLI::Range(200, 100000));
  app.add_option("--naive", a.naive, "edits of the naive way")->check(CLI::Range(1, 1000000));
  app.add_option("--edits", a.edits, "edits of the other way; 0: all")->check(CLI::Range(0, 1000000));
  app.add_option("--repeats", a.repeats, "repetitions")->check(CLI::Range(1, 100000));
  app.add_option("--write", a.write, "file for the tensors of the convolutional network and the sequence");
  CLI11_PARSE(app, argc, argv);
  report out("bench_substitutions");
  substitution_bench(a).run(out);
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
