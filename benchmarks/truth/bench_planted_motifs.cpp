// SPDX-License-Identifier: Apache-2.0
// Attribution held against motifs whose places are known (docs/attribution/truth.md).
//
//   bench_planted_motifs [--folder benchmarks/truth] [--sequences 200] [--length 200] [--seed 1] [--samples
//   50]
//                        [--replicates 20] [--held-out 2000] [--resamples 500] [--backgrounds FILE]
//
// Prints the JSON document; a table in Markdown goes to standard error. One thread. `seconds` are those of
// one sequence. No number but the times depends on the machine, but for the last bits of floats.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <dnalm/metrics/score_table.hpp>
#include <dnalm/models/load_model.hpp>

#include "../support/clock.hpp"
#include "../support/report.hpp"
#include "formula_network.hpp"
#include "judged_methods.hpp"
#include "planted_sequences.hpp"
#include "position_scores.hpp"

namespace {

using namespace dnalm_bench;

struct arguments {
  std::filesystem::path folder = "benchmarks/truth";
  std::filesystem::path backgrounds = {};
  index_t sequences = 200;
  index_t length = 200;
  std::uint64_t seed = 1;
  judged_effort effort = {};
  index_t held_out = 2000;
  index_t resamples = 500;
};

/// What is explained: a column of a network's prediction.
struct judged_network {
  std::string name = {};
  dnalm::attribution_targets targets;
};

dnalm::attribution_targets prediction(const dnalm::model& network, index_t column) {
  return dnalm::attribution_targets::of_logits(network, std::span(&column, 1));
}

/// A folder that disappears with the object.
class scratch_folder {
 public:
  scratch_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "bench_planted_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    path = pattern;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};

std::vector<judged_network> judged_networks(const arguments& a, const std::vector<motif_filter>& filters,
                                            const dnalm::model& trained) {
  std::vector<judged_network> networks;
  const scratch_folder folder;
  write_formula_network(folder.path, filters, a.length);
  const dnalm::model formula = dnalm::load_model(folder.path, {.threads = 1});
  for (std::size_t i = 0; i < formula_readings.size(); ++i) {
    networks.push_back({"formula_" + formula_readings[i], prediction(formula, static_cast<index_t>(i))});
  }
  networks.push_back({"trained", prediction(trained, 0)});
  networks.push_back({"random_weights", prediction(dnalm::random_twin(trained, a.seed, 1), 0)});
  return networks;
}

nlohmann::json as_json(const bounded_score& score) {
  return {{"value", score.value}, {"low", score.interval.low}, {"high", score.interval.high}};
}
std::string rounded(double value, int digits) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(digits) << value;
  return text.str();
}

/// One table: methods by networks.
class score_table {
 public:
  void set(const std::string& method, const std::string& network, const std::string& text) {
    if (cells_.count(method) == 0) methods_.push_back(method);
    bool known = false;
    for (const std::string& name : networks_) known = known || name == network;
    if (!known) networks_.push_back(network);
    cells_[method][network] = text;
  }
  void print(const std::string& title) const {
    std::cerr << "\n" << title << "\n\n| method |";
    for (const std::string& network : networks_) std::cerr << " " << network << " |";
    std::cerr << "\n|---|";
    for (std::size_t i = 0; i < networks_.size(); ++i) std::cerr << "---|";
    for (const std::string& method : methods_) {
      std::cerr << "\n| `" << method << "` |";
      for (const std::string& network : networks_) std::cerr << " " << cells_.at(method).at(network) << " |";
    }
    std::cerr << "\n";
  }

 private:
  std::vector<std::string> methods_;
  std::vector<std::string> networks_;
  std::map<std::string, std::map<std::string, std::string>> cells_;
};

/// How well the trained network tells pairs from all else, on sequences that no training has seen.
nlohmann::json held_out_scores(const arguments& a, const sequence_planter& planter,
                               const dnalm::attribution_targets& targets) {
  const std::vector<std::vector<index_t>> kinds = {{0, 1}, {0}, {0, 1}, {1}, {0, 1}, {}};
  std::vector<std::string> sequences;
  std::vector<double> labels;
  std::vector<index_t> clusters;
  for (index_t n = 0; n < a.held_out; ++n) {
    std::vector<index_t> motifs = kinds[static_cast<std::size_t>(n % 6)];
    labels.push_back(motifs.size() == 2 ? 1 : 0);
    if (n / 6 % 2 == 1) motifs.push_back(2);
    sequences.push_back(planter.make(a.sequences + n, motifs).letters);
    clusters.push_back(n);
  }
  const std::vector<double> logits = targets.function({.threads = 1})(sequences);
  nlohmann::json found = {{"sequences", a.held_out}};
  for (const auto& score : dnalm::metrics::binary_scores(labels, logits, clusters,
                                                         {.resamples = a.resamples, .seed = a.seed}, 0.0)) {
    if (score.name != "auroc" && score.name != "accuracy") continue;
    found[score.name] = as_json({score.value, {score.low, score.high}});
  }
  return found;
}

class planted_bench {
 public:
  explicit planted_bench(const arguments& a)
      : a_(a),
        planter_(
            read_filters(a.folder / "motifs.meme"), a.length, a.seed,
            a.backgrounds.empty() ? std::vector<std::string>() : read_backgrounds(a.backgrounds, a.length)) {
    const std::vector<index_t> all = {0, 1, 2};
    for (index_t n = 0; n < a.sequences; ++n) {
      planted_.push_back(planter_.make(n, all));
      sequences_.push_back(planted_.back().letters);
    }
  }

  void run(report& out) {
    const dnalm::model trained = dnalm::load_model(a_.folder / "trained", {.threads = 1});
    const position_scorer scorer(planted_, 2, planter_.filters().front().width);
    out.set("seed", a_.seed);
    out.set("sequences", a_.sequences);
    out.set("backgrounds", a_.backgrounds.empty() ? "uniform letters" : a_.backgrounds.filename().string());
    out.set("held_out", held_out_scores(a_, planter_, prediction(trained, 0)));
    for (const judged_network& network : judged_networks(a_, planter_.filters(), trained)) {
      for (const judged_method& method : judged_methods(a_.effort)) judge(network, method, scorer, out);
    }
    auroc_.print("AUROC");
    auprc_.print("AUPRC");
    sequence_auroc_.print("AUROC, mean of the sequences' own");
    decoy_.print("AUROC, planted motifs against the decoy");
    moved_.print("AUROC, places of the next sequence (control)");
    residual_.print("largest residual of completeness");
    seconds_.print("milliseconds of processor time a sequence");
  }

 private:
  void judge(const judged_network& network, const judged_method& method, const position_scorer& scorer,
             report& out) {
    const stopwatch watch(false);
    const judged_result result = run_method(method, network.targets, sequences_);
    const timing spent = watch.elapsed();
    repetitions times;
    const auto count = static_cast<double>(sequences_.size());
    times.add({spent.wall / count, spent.cpu / count});
    const position_scores scores = scorer.score(result.numbers, {.resamples = a_.resamples, .seed = a_.seed});
    const std::string setting = a_.backgrounds.empty() ? "planted/" : "planted_in_shuffles/";
    result_row row{.name = setting + network.name + "/" + method.name};
    row.more = {{"auroc", as_json(scores.auroc)},
                {"auprc", as_json(scores.auprc)},
                {"sequence_auroc", as_json(scores.sequence_auroc)},
                {"sequence_auprc", as_json(scores.sequence_auprc)},
                {"decoy_auroc", scores.decoy_auroc},
                {"moved_auroc", scores.moved_auroc},
                {"planted_share", scores.share},
                {"note", "AUROC " + rounded(scores.auroc.value, 3)}};
    if (!std::isnan(result.residual)) row.more["largest_residual"] = result.residual;
    out.add(row, times);
    const auto bounded = [](const bounded_score& score) {
      return rounded(score.value, 3) + " (" + rounded(score.interval.low, 3) + " to " +
             rounded(score.interval.high, 3) + ")";
    };
    auroc_.set(method.name, network.name, bounded(scores.auroc));
    auprc_.set(method.name, network.name, bounded(scores.auprc));
    sequence_auroc_.set(method.name, network.name, bounded(scores.sequence_auroc));
    decoy_.set(method.name, network.name, rounded(scores.decoy_auroc, 3));
    moved_.set(method.name, network.name, rounded(scores.moved_auroc, 3));
    std::ostringstream residual;
    if (!std::isnan(result.residual)) residual << std::setprecision(2) << result.residual;
    residual_.set(method.name, network.name, residual.str());
    seconds_.set(method.name, network.name, rounded(1000 * times.cpu.front(), 2));
  }

  const arguments& a_;
  sequence_planter planter_;
  std::vector<planted_sequence> planted_;
  std::vector<std::string> sequences_;
  score_table auroc_;
  score_table auprc_;
  score_table sequence_auroc_;
  score_table decoy_;
  score_table moved_;
  score_table residual_;
  score_table seconds_;
};

}  // namespace

int main(int argc, char** argv) try {
  arguments a;
  CLI::App app("Attribution methods held against planted motifs");
  app.add_option("--folder", a.folder, "motifs.meme and the folder `trained`");
  app.add_option(
      "--backgrounds", a.backgrounds,
      "real sequences; the motifs are planted into dinucleotide shuffles of those that have --length bases");
  app.add_option("--sequences", a.sequences, "sequences that are explained")->check(CLI::Range(2, 100000));
  app.add_option("--length", a.length, "bases")->check(CLI::Range(120, 100000));
  app.add_option("--seed", a.seed, "of the sequences, the draws of methods, the resamples");
  app.add_option("--samples", a.effort.samples, "of noise and of expected gradients")
      ->check(CLI::Range(1, 100000));
  app.add_option("--replicates", a.effort.replicates, "shuffles as references")->check(CLI::Range(1, 10000));
  app.add_option("--held-out", a.held_out, "sequences that the trained network is tested on")
      ->check(CLI::Range(6, 1000000));
  app.add_option("--resamples", a.resamples, "of the intervals; whole sequences are drawn")
      ->check(CLI::Range(0, 100000));
  CLI11_PARSE(app, argc, argv);
  a.effort.seed = a.seed;
  report out("bench_planted_motifs");
  planted_bench(a).run(out);
  out.print();
  return 0;
} catch (const std::exception& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
