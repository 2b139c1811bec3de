// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The methods of dnalm-attribute, their options, and which method reads which.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/nucleotide_map.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/embed/window_rule.hpp>

namespace program {

/// What the options of dnalm-attribute say about the method.
struct method_options {
  std::string method = {};
  bool corrected = false;         ///< gradients less their mean over the letters
  bool hypothetical = false;      ///< every letter's contribution, not the observed one's alone
  bool residuals = false;         ///< of DeepLIFT, by hidden state
  bool entropy_weighted = false;  ///< times the reversed entropy
  bool both_strands = false;
  std::string baseline = {};                          ///< empty: the method's own
  std::string baseline_file = {};                     ///< in place of a baseline by name
  std::vector<dnalm::nucleotide_map> baselines = {};  ///< what it holds, by the sequence's number
  dnalm::index_t replicates = 20;
  bool replicates_given = false;  ///< set by check_readers
  dnalm::index_t nodes = 32;
  dnalm::index_t most_nodes = 0;  ///< 0: 1,024, or the first ones where these are more
  double tolerance = 1e-3;
  dnalm::index_t samples = 50;
  double noise = 0.1;
  std::string centring = "mean4";
  std::string spread = {};    ///< of a token's score over its bases; empty: even
  bool whole_passes = false;  ///< of every edited sequence
  dnalm::index_t screen = 0;  ///< edits that are computed; 0: all
  dnalm::index_t screen_check = 0;
  std::string context = "automatic";
  std::string dependency = "log_odds";
  std::string symmetric = {};  ///< empty: as it is
  bool apc = false;            ///< average product correction
  dnalm::window_rule window = {};
  std::uint64_t seed = 1;
  dnalm::run_options run = {};
};

/// All methods, in the order of `--help`.
[[nodiscard]] inline const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names = {"saliency",
                                                 "input_x_gradient",
                                                 "smooth_grad",
                                                 "integrated_gradients",
                                                 "expected_gradients",
                                                 "deep_lift_shap",
                                                 "ism",
                                                 "embedding_saliency",
                                                 "entropy",
                                                 "log_odds",
                                                 "dependency",
                                                 "rollout",
                                                 "global_importance"};
  return names;
}

/// An option, and the methods that read it.
struct method_option {
  std::string name = {};
  std::vector<std::string> methods = {};

  [[nodiscard]] bool is_read_by(const std::string& method) const {
    return std::find(methods.begin(), methods.end(), method) != methods.end();
  }
  /// `a, b`, or `all but c` where few do not.
  [[nodiscard]] std::string readers() const {
    std::vector<std::string> others;
    for (const std::string& method : method_names()) {
      if (!is_read_by(method)) others.push_back(method);
    }
    const bool few = others.size() <= 2;
    std::string words;
    for (const std::string& method : few ? others : methods) words += (words.empty() ? "" : ", ") + method;
    return (few ? "all but " : "") + words;
  }
};

/// Every option that not all methods read.
[[nodiscard]] inline const std::vector<method_option>& method_specific_options() {
  static const std::vector<method_option> options = [] {
    const std::vector<std::string> paths = {"integrated_gradients", "expected_gradients", "deep_lift_shap"};
    const std::vector<std::string> integrals = {"integrated_gradients"};
    const std::vector<std::string> planting = {"global_importance"};
    const std::vector<std::string> by_letter = {
        "saliency",           "input_x_gradient", "smooth_grad", "integrated_gradients",
        "expected_gradients", "deep_lift_shap",   "ism",         "log_odds"};
    std::vector<std::string> maps = method_names();
    maps.pop_back();
    std::vector<method_option> all = {
        {"--baseline", paths},
        {"--baseline-file", paths},
        {"--replicates", paths},
        {"--nodes", integrals},
        {"--most-nodes", integrals},
        {"--tolerance", integrals},
        {"--samples", {"smooth_grad", "expected_gradients"}},
        {"--noise", {"smooth_grad"}},
        {"--corrected", {"saliency", "input_x_gradient", "smooth_grad"}},
        {"--entropy-weighted", {"embedding_saliency"}},
        {"--hypothetical", {"deep_lift_shap"}},
        {"--residuals", {"deep_lift_shap"}},
        {"--centring", {"ism"}},
        {"--spread", {"input_x_gradient", "deep_lift_shap"}},
        {"--whole-passes", {"ism"}},
        {"--screen", {"ism"}},
        {"--screen-check", {"ism"}},
        {"--context", {"embedding_saliency", "entropy", "log_odds"}},
        {"--window", {"entropy", "log_odds", "dependency"}},
        {"--overlap", {"entropy", "log_odds", "dependency"}},
        {"--dependency", {"dependency"}},
        {"--symmetric", {"dependency"}},
        {"--apc", {"dependency"}},
    };
    for (const char* name : {"--both-strands", "--drawings", "--bigwig", "--bedgraph", "--join",
                             "--chromosome-sizes", "--motif-threshold", "--motif-hits", "--motif-recovery"}) {
      all.push_back({name, maps});
    }
    for (const char* name : {"--modisco", "--modisco-width"}) all.push_back({name, by_letter});
    for (const char* name : {"--insert", "--background", "--backgrounds", "--positions", "--copies",
                             "--spacings", "--effects"}) {
      all.push_back({name, planting});
    }
    return all;
  }();
  return options;
}

/// The baseline of a method that was told none.
[[nodiscard]] inline std::string baseline_name(const method_options& options) {
  if (!options.baseline_file.empty()) return "array";
  if (!options.baseline.empty()) return options.baseline;
  return options.method == "integrated_gradients" ? "zero" : "shuffles";
}

/// Whether a method explains a number of the model or of a probe; the others explain the model's predictions.
[[nodiscard]] inline bool needs_target(const std::string& method) {
  return method != "entropy" && method != "log_odds" && method != "dependency" && method != "rollout";
}

/// Adds to the description of each option which methods read it.
inline void describe_readers(CLI::App& app) {
  for (const method_option& each : method_specific_options()) {
    CLI::Option* option = app.get_option(each.name);
    option->description(option->get_description() + "\nRead by " + each.readers());
  }
}

/// Refuses options that were given and that the method does not read; what depends on the model is told
/// later. \throws error [dnalm.usage.732].
inline void check_readers(const CLI::App& app, method_options& options) {
  const auto refuse = [](const std::string& name, const std::string& readers, const std::string& beside) {
    throw dnalm::error(dnalm::error_kind::usage, 732, "an option that the method does not read",
                       {.where = name, .expected = readers, .found = beside});
  };
  for (const method_option& each : method_specific_options()) {
    if (app.count(each.name) == 0 || each.is_read_by(options.method)) continue;
    refuse(each.name, "--method " + each.readers(), "--method " + options.method);
  }
  options.replicates_given = app.count("--replicates") > 0;
  if (options.replicates_given && baseline_name(options) != "shuffles") {
    refuse(
        "--replicates", "--baseline shuffles",
        "--method " + options.method +
            (options.baseline_file.empty() ? " --baseline " + baseline_name(options) : " --baseline-file"));
  }
  if (app.count("--context") > 0 && options.method == "embedding_saliency" && !options.entropy_weighted) {
    refuse("--context", "--method entropy or log_odds, or embedding_saliency with --entropy-weighted",
           "--method embedding_saliency");
  }
}

/// The options of the methods that draw maps.
inline void add_method_options(CLI::App& app, method_options& m) {
  app.add_option("--method", m.method, "What is computed")->required()->check(CLI::IsMember(method_names()));
  app.option_defaults()->group("Method");
  auto* baseline =
      app.add_option("--baseline", m.baseline,
                     "Where the way begins, or what references are: zero, uniform, n, mask, shuffles\n"
                     "(dinucleotides) [integrated_gradients: zero, else shuffles; deep_lift_shap of models "
                     "of pieces\n"
                     "(BPE), which take no other: mask]")
          ->check(CLI::IsMember({"zero", "uniform", "n", "mask", "shuffles"}));
  app.add_option(
         "--baseline-file", m.baseline_file,
         "Baselines of your own: sequences (FASTA and the like) named as those of --input, or one for\n"
         "all; or npz or npy (no pipe) with weights of A, C, G, T, (N, L, 4) in the order of the file or\n"
         "(L, 4)")
      ->type_name("FILE")
      ->excludes(baseline);
  app.add_option(
         "--replicates", m.replicates,
         "Shuffles of a sequence, of --baseline shuffles; a sequence with fewer than ten times as many\n"
         "distinct ones is told")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--nodes", m.nodes,
                 "Nodes of the integral at first; doubled until the sum is right. With --most-nodes of\n"
                 "the same number they are fixed")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536));
  app.add_option("--most-nodes", m.most_nodes, "Nodes that are not doubled any more [1024, or --nodes]")
      ->check(CLI::Range(1, 65536));
  app.add_option("--tolerance", m.tolerance,
                 "The sum is right where it misses f(x) - f(baseline) by at most this times\n"
                 "max(1, |f(x) - f(baseline)|)")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6));
  app.add_option("--samples", m.samples, "Gradients whose mean is taken")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app.add_option("--noise", m.noise, "Standard deviation of the noise on each weight")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
  app.add_flag("--corrected", m.corrected, "Less the mean over the letters of a position");
  app.add_flag("--entropy-weighted", m.entropy_weighted,
               "Times how much surer than elsewhere the language model is of a token");
  app.add_flag("--hypothetical", m.hypothetical, "Contributions of all four letters");
  app.add_flag("--residuals", m.residuals,
               "By how much the sum misses f(x) - f(reference) at each hidden state; keeps all of them\n"
               "in memory");
  app.add_option("--centring", m.centring,
                 "mean4 (less the mean of the four), mean3 (of the other three), raw")
      ->capture_default_str()
      ->check(CLI::IsMember({"mean4", "mean3", "raw"}));
  app.add_option(
         "--spread", m.spread,
         "Of models whose tokens are pieces of text (BPE), how a token's score becomes numbers of its\n"
         "bases: even (in equal parts, so that sums are kept), repeat (at each) [even]")
      ->check(CLI::IsMember({"even", "repeat"}));
  app.add_flag("--whole-passes", m.whole_passes,
               "Every edited sequence in a pass of its own. Without it GPN, HyenaDNA and networks of\n"
               "layers on the CPU compute what an edit reaches: the same bits, of HyenaDNA the same\n"
               "numbers but for rounding (hidden states within 3e-6 of their largest number)");
  auto* screen =
      app.add_option(
             "--screen", m.screen,
             "Only the K edits of a sequence whose first-order effect, by the gradient, is largest are\n"
             "computed; the others have that effect, before --centring [all are computed]")
          ->type_name("K")
          ->check(CLI::Range(1, 1000000000));
  app.add_option("--screen-check", m.screen_check,
                 "Of the first M sequences, with --top of those that it keeps, compute all edits too, and\n"
                 "tell which share of the K largest the screen has found")
      ->type_name("M")
      ->check(CLI::Range(1, 1000000000))
      ->needs(screen);
  app.add_option("--context", m.context,
                 "What the model sees: masked, wild_type, left; automatic suits the model. Of\n"
                 "embedding_saliency with --entropy-weighted")
      ->capture_default_str()
      ->check(CLI::IsMember({"automatic", "masked", "wild_type", "left"}));
  app.add_option("--dependency", m.dependency,
                 "What a substitution changes at another position: log_odds (the largest change), or\n"
                 "jacobian (the categorical Jacobian's norm)")
      ->capture_default_str()
      ->check(CLI::IsMember({"log_odds", "jacobian"}));
  app.add_option("--symmetric", m.symmetric, "The mean or the max of both directions")
      ->check(CLI::IsMember({"mean", "max"}));
  app.add_flag("--apc", m.apc, "Less the average product of row and column, after --symmetric");
  app.add_flag("--both-strands", m.both_strands, "The mean over the sequence and its reverse complement");
  app.option_defaults()->group("Options");
}

}  // namespace program
