// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The methods of dnalm-attribute behind one function: sequences in, rows of results out.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <dnalm/attribution/strand_average.hpp>
#include <support/attribution_explanations.hpp>
#include <support/attribution_method.hpp>
#include <support/attribution_options.hpp>
#include <support/attribution_pieces.hpp>
#include <support/attribution_predictions.hpp>
#include <support/attribution_substitutions.hpp>

namespace program {
namespace detail {

/// Both strands of a method that reads one: the mean of a sequence's result and its reverse complement's,
/// turned back; `other` is the method that reads that one.
inline void read_both_strands(attribution_method& method, const attribution_method& other) {
  method.rows = [one = method.rows, two = other.rows](records_view records) {
    std::vector<dnalm::io::sequence_record> turned(records.begin(), records.end());
    for (auto& record : turned) record.sequence = dnalm::reverse_complement(record.sequence);
    rows_of rows = one(records);
    const rows_of others = two(turned);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = dnalm::strand_average(rows[i].attributions, others[i].attributions);
      if (!(std::abs(others[i].convergence_delta) <= std::abs(rows[i].convergence_delta))) {
        rows[i].convergence_delta = others[i].convergence_delta;
      }
      rows[i].nodes = std::max(rows[i].nodes, others[i].nodes);
      rows[i].within_tolerance = rows[i].within_tolerance && others[i].within_tolerance;
      larger_in_size(rows[i].residuals, others[i].residuals);
      if (rows[i].computed.length > 0) {
        rows[i].computed = dnalm::strand_average(rows[i].computed, others[i].computed);
        for (double& share : rows[i].computed.values) share = std::floor(share);  // on both strands, or not
        rows[i].screen_recall = (rows[i].screen_recall + others[i].screen_recall) / 2;
      }
      if (!rows[i].entropy.empty())
        rows[i].entropy = dnalm::strand_average(rows[i].entropy, others[i].entropy);
    }
    return rows;
  };
}

/// What the conventions of a method say of both strands.
inline void tell_both_strands(std::map<std::string, std::string>& conventions) {
  const auto append = [&](const char* name, const char* words) {
    const auto found = conventions.find(name);
    if (found != conventions.end()) found->second += words;
  };
  const bool pieces = conventions.count("token_scores") > 0;
  append("screen", "; each strand has such edits of its own, a number is the mean of both strands'");
  append("computed", "; true where both strands' are");
  append("convergence_delta",
         pieces ? "; of the strand where it is larger in size, token_scores of the given one"
                : "; of the strand where it is larger in size");
  append("residuals", "; of the strand where it is larger in size");
}

}  // namespace detail

/// The method that the options name. `targets` (one target) is there where needs_target says so.
[[nodiscard]] inline attribution_method make_method(
    const method_options& options, const dnalm::model& network,
    const std::optional<dnalm::attribution_targets>& targets) {
  using namespace detail;
  const std::string& name = options.method;
  const bool path = name == "integrated_gradients" || name == "expected_gradients";
  const bool predicted = name == "entropy" || name == "log_odds";
  const bool by_pieces = scores_pieces(network, options);
  attribution_method made = predicted                      ? prediction_method(network, options)
                            : name == "dependency"         ? dependency_method(network, options)
                            : name == "rollout"            ? rollout_method(network, options)
                            : name == "ism"                ? mutagenesis_method(*targets, options)
                            : by_pieces                    ? piece_method(*targets, options)
                            : name == "deep_lift_shap"     ? deep_lift_method(*targets, options)
                            : name == "embedding_saliency" ? embedding_method(*targets, options)
                            : path                         ? path_method(*targets, options)
                                                           : gradient_method(*targets, options);
  if (options.both_strands && name != "dependency") {
    method_options other = options;
    other.both_strands = false;
    for (dnalm::nucleotide_map& map : other.baselines) map = dnalm::turned_map(map);
    read_both_strands(made, other.baselines.empty() ? made : make_method(other, network, targets));
    tell_both_strands(made.conventions);
  }
  made.subject = name;
  if (targets && needs_target(name)) made.subject += " of " + targets->name(0);
  made.conventions["method"] = name;
  made.conventions["letters"] = "A, C, G, T";
  made.conventions["strands"] = options.both_strands ? "mean of both, the other turned back" : "as given";
  if (name == "dependency" && dnalm::default_context(network) == dnalm::prediction_context::left) {
    made.conventions["strands"] = "each strand gives what lies behind the substitution, both joined";
  }
  made.conventions["seed"] = std::to_string(options.seed);
  if (targets && needs_target(name)) {
    made.conventions["target"] = targets->name(0);
    made.conventions["target_scale"] = targets->scale_words();
  }
  if (options.window.tokens != 0) {
    made.conventions["window"] =
        (options.window.tokens < 0 ? "the model's limit"
                                   : std::to_string(options.window.tokens) + " tokens") +
        std::string(", overlap ") + std::to_string(options.window.overlap);
  }
  return made;
}

}  // namespace program
