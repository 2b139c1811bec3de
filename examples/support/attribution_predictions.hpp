// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Methods of dnalm-attribute that ask what a language model predicts, or where it looks.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <support/attribution_method.hpp>
#include <support/attribution_options.hpp>
#include <support/sequence_names.hpp>

namespace program {
namespace detail {

[[nodiscard]] inline dnalm::prediction_context context_of(const std::string& name) {
  using dnalm::prediction_context;
  for (const auto context :
       {prediction_context::masked, prediction_context::wild_type, prediction_context::left}) {
    if (name == to_string(context)) return context;
  }
  return prediction_context::automatic;
}

/// The context of `--context` in words, the model's own for `automatic`.
[[nodiscard]] inline std::string context_words(const dnalm::model& network, const std::string& name) {
  const auto context = context_of(name);
  return std::string(
      to_string(context == dnalm::prediction_context::automatic ? dnalm::default_context(network) : context));
}

/// p(a, i) (2 - H_i), the heights of an information logo; 0 where there is no prediction.
[[nodiscard]] inline dnalm::nucleotide_map information_map(const dnalm::nucleotide_map& log_probabilities) {
  dnalm::nucleotide_map map = dnalm::probabilities(log_probabilities);
  const std::vector<double> information = dnalm::information_bits(log_probabilities);
  for (dnalm::index_t i = 0; i < map.length; ++i) {
    const double bits = information[static_cast<std::size_t>(i)];
    for (dnalm::index_t a = 0; a < 4; ++a) map(a, i) *= bits == bits ? bits : 0;
  }
  return map;
}

/// What a language model predicts at each position: `entropy`, or `log_odds`.
[[nodiscard]] inline attribution_method prediction_method(const dnalm::model& network,
                                                          const method_options& options) {
  const bool odds = options.method == "log_odds";
  attribution_method made;
  made.members.entropy = true;
  made.members.likeliest = true;
  made.reading = odds ? map_reading::observed : map_reading::entropy;
  made.unit = odds ? "log2 odds (bits)" : "information (bits)";
  const auto context = context_of(options.context);
  made.conventions["context"] = context_words(network, options.context);
  made.conventions["entropy"] = "bits, over A, C, G, T";
  made.conventions["likeliest"] = "of the sequence as given; tokens of the whole vocabulary";
  made.conventions["attributions"] = odds ? "log2(p / (1/4)), bits; 0 without a prediction"
                                          : "probability times information (2 - entropy), bits";
  made.explanation =
      odds
          ? "How much likelier than by chance (1/4) the language model holds each letter at each position, "
            "in "
            "bits. A drawing has the letter that stands there."
          : "What the language model expects at each position from the others: the height of a letter is its "
            "probability times the information of the position in bits.";
  made.rows = [network, options, context, odds](records_view records) {
    auto found = dnalm::predict_nucleotides(network, records,
                                            {.context = context,
                                             .window = options.window,
                                             .threads = options.run.threads,
                                             .memory = options.run.memory});
    rows_of rows(records.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const dnalm::nucleotide_map& predicted = found[i].log_probabilities;
      rows[i].attributions = odds ? dnalm::log_odds_bits(predicted) : information_map(predicted);
      rows[i].entropy = dnalm::entropy_bits(predicted);
      rows[i].likeliest_letters = dnalm::likeliest_letters(predicted);
      rows[i].likeliest_tokens = std::move(found[i].likeliest_tokens);
    }
    return rows;
  };
  return made;
}

/// The entropies of the predicted tokens of each sequence.
[[nodiscard]] inline std::vector<std::vector<double>> token_entropies(const dnalm::model& network,
                                                                      const method_options& options,
                                                                      records_view records) {
  const auto found = dnalm::predict_nucleotides(
      network, records,
      {.context = context_of(options.context), .threads = options.run.threads, .memory = options.run.memory});
  std::vector<std::vector<double>> entropies;
  for (const auto& each : found) entropies.push_back(each.token_entropy);
  return entropies;
}

/// The map that `--dependency`, `--symmetric` and `--apc` ask for.
[[nodiscard]] inline dnalm::dependency_map chosen_map(const dnalm::dependency_result& found,
                                                      const method_options& options) {
  dnalm::dependency_map map = options.dependency == "jacobian" ? found.jacobian : found.log_odds;
  if (!options.symmetric.empty()) {
    map = dnalm::symmetrized(map, options.symmetric == "max" ? dnalm::symmetry::max : dnalm::symmetry::mean);
  }
  return options.apc ? dnalm::average_product_corrected(map) : map;
}

/// What a number of that map is.
[[nodiscard]] inline std::string dependency_convention(const method_options& options) {
  std::string words =
      options.dependency == "jacobian"
          ? "categorical Jacobian: Frobenius norm of the changes of ln p over substitutions and "
            "letters, centred over both"
          : "largest change of log2 odds over substitutions and letters";
  words += "; row substituted, column observed";
  if (!options.symmetric.empty()) words += "; " + options.symmetric + " of the map and its transpose";
  if (options.apc) words += "; average product correction";
  return words;
}

[[nodiscard]] inline attribution_method dependency_method(const dnalm::model& network,
                                                          const method_options& options) {
  attribution_method made;
  made.members.dependency = true;
  made.reading = map_reading::mean;
  made.conventions["context"] = "nothing masked";
  made.conventions["dependency"] = dependency_convention(options);
  made.unit = options.dependency == "jacobian" ? "Jacobian, norm (nats)" : "change of log2 odds";
  if (options.apc) made.unit += ", corrected";
  made.conventions["attributions"] =
      "influence of a substitution: mean over the other positions of the largest "
      "change of log2 odds";
  made.explanation =
      "How much a substitution at one position (row) changes what the model predicts at another "
      "(column).";
  made.rows = [network, options](records_view records) {
    rows_of rows(records.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const dnalm::prediction_options means{
          .window = options.window, .threads = options.run.threads, .memory = options.run.memory};
      const auto found = alone_of_list(static_cast<dnalm::index_t>(i), [&] {
        return dnalm::nucleotide_dependencies(network, records[i].sequence, {}, options.both_strands, means,
                                              records[i].name);
      });
      rows[i].attributions = found.influence;
      rows[i].dependency = chosen_map(found, options).values;
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline attribution_method rollout_method(const dnalm::model& network,
                                                       const method_options& options) {
  attribution_method made;
  made.unit = "attention";
  made.conventions["rollout"] =
      "mean over heads, half the residual; the mean over the tokens of bases, a token's "
      "number shared evenly among its bases";
  made.explanation =
      "How much attention, followed through all layers, the tokens of the sequence pay to each base.";
  made.rows = [network, options](records_view records) {
    const auto found = dnalm::roll_out_attention(
        network, records, {.threads = options.run.threads, .memory = options.run.memory});
    rows_of rows(records.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = observed_map(records[i].sequence, found[i].bases);
    }
    return rows;
  };
  return made;
}

}  // namespace detail
}  // namespace program
