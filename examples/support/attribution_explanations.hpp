// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Methods of dnalm-attribute that explain a target by gradients or by DeepLIFT.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/baseline.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/token_attribution.hpp>
#include <dnalm/sequence/shuffle.hpp>
#include <support/attribution_method.hpp>
#include <support/attribution_options.hpp>
#include <support/attribution_predictions.hpp>
#include <support/attribution_shuffles.hpp>
#include <support/plain_text.hpp>
#include <support/sequence_names.hpp>

namespace program {
namespace detail {

[[nodiscard]] inline std::function<std::string(std::string_view, dnalm::index_t, dnalm::index_t)> shuffler(
    std::uint64_t seed) {
  return [seed](std::string_view sequence, dnalm::index_t id, dnalm::index_t replicate) {
    return dnalm::shuffle_sequence(sequence, 2,
                                   {.seed = seed,
                                    .sequence = static_cast<std::uint64_t>(id),
                                    .replicate = static_cast<std::uint32_t>(replicate)});
  };
}

[[nodiscard]] inline dnalm::baseline baseline_of(const method_options& options) {
  return {.kind = dnalm::parse_baseline(baseline_name(options)),
          .replicates = options.replicates,
          .shuffle = shuffler(options.seed),
          .arrays = options.baselines};
}

[[nodiscard]] inline std::map<std::string, std::string> baseline_convention(const dnalm::baseline& from,
                                                                            const std::string& file) {
  std::string words(to_string(from.kind));
  if (from.kind == dnalm::baseline_kind::shuffles) {
    words = std::to_string(from.replicates) + " dinucleotide shuffles";
  }
  if (from.kind == dnalm::baseline_kind::array) words = "given, file " + plain(file);
  return {{"baseline", words}};
}

[[nodiscard]] inline attribution_method gradient_method(const dnalm::attribution_targets& targets,
                                                        const method_options& options) {
  const bool times_input = options.method == "input_x_gradient";
  const bool smooth = options.method == "smooth_grad";
  attribution_method made;
  made.unit = times_input ? "gradient \u00d7 input" : "gradient";
  made.explanation = times_input ? "The gradient of the target by each base, times the one-hot input."
                     : smooth
                         ? "The mean gradient of the target by each letter at each position, under noise."
                         : "The gradient of the target by each letter at each position, with its sign.";
  if (options.corrected) made.explanation += " At each position the mean over the four letters is taken off.";
  made.conventions["gradient_correction"] = options.corrected ? "mean over letters subtracted" : "none";
  if (smooth) {
    made.conventions["noise"] = "normal, standard deviation " + std::to_string(options.noise) + ", " +
                                std::to_string(options.samples) + " samples";
  }
  made.rows = [f = dnalm::nucleotide_function(targets, options.run), options, times_input,
               smooth](records_view records) {
    const std::vector<std::string> sequences = letters_of(records);
    const auto found = smooth ? dnalm::smooth_grad(f, sequences,
                                                   {.deviation = options.noise,
                                                    .samples = options.samples,
                                                    .seed = options.seed,
                                                    .first_number = records.front().number})
                              : dnalm::saliency(f, sequences);
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = options.corrected ? dnalm::corrected(found[i].map) : found[i].map;
      if (times_input) rows[i].attributions = dnalm::times_input(rows[i].attributions, sequences[i]);
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline std::string nodes_convention(const method_options& options, dnalm::index_t most) {
  const std::string first = "Gauss-Legendre, " + std::to_string(options.nodes);
  if (most <= options.nodes) return first;
  return first + ", doubled until the tolerance is met or they are " + std::to_string(most);
}

[[nodiscard]] inline attribution_method path_method(const dnalm::attribution_targets& targets,
                                                    const method_options& options) {
  const bool expected = options.method == "expected_gradients";
  const dnalm::baseline from = baseline_of(options);
  const dnalm::index_t most =
      options.most_nodes > 0 ? options.most_nodes : std::max<dnalm::index_t>(1024, options.nodes);
  attribution_method made;
  made.unit = "contribution";
  const bool shuffled = from.kind == dnalm::baseline_kind::shuffles;
  made.members.convergence_delta = true;
  made.members.distinct_shuffles = shuffled;
  made.reading = map_reading::sum;
  made.conventions = baseline_convention(from, options.baseline_file);
  made.conventions["convergence_delta"] =
      expected ? "sum of attributions - (f(x) - f(baseline))"
               : "sum of attributions - (f(x) - f(baseline)), of the baseline where it is largest in size";
  made.explanation =
      "What each base contributes to the difference of the target between the sequence and its baseline: the "
      "gradient, integrated on the way from one to the other. A drawing has the sum over the letters.";
  if (expected) {
    made.conventions["samples"] = std::to_string(options.samples);
  } else {
    made.members.nodes = true;
    made.conventions["nodes"] = nodes_convention(options, most);
    made.conventions["tolerance"] =
        "|convergence_delta| <= " + number_text(options.tolerance) + " max(1, |f(x) - f(baseline)|)";
  }
  made.rows = [f = dnalm::nucleotide_function(targets, options.run), options, expected, from, most,
               shuffled](records_view records) {
    const std::vector<std::string> sequences = letters_of(records);
    const auto found = expected ? dnalm::expected_gradients(f, sequences,
                                                            {.from = from,
                                                             .samples = options.samples,
                                                             .seed = options.seed,
                                                             .first_number = records.front().number})
                                : dnalm::integrated_gradients(f, sequences,
                                                              {.from = from,
                                                               .nodes = options.nodes,
                                                               .most_nodes = most,
                                                               .tolerance = options.tolerance,
                                                               .first_number = records.front().number});
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = found[i].map;
      rows[i].convergence_delta = found[i].largest_delta();
      rows[i].nodes = found[i].nodes;
      rows[i].within_tolerance = found[i].within_tolerance;
      if (shuffled) rows[i].distinct_shuffles = distinct_shuffles(sequences[i]);
    }
    return rows;
  };
  return made;
}

/// By hidden state the residual of the reference where it is largest in size.
[[nodiscard]] inline std::vector<double> largest_residuals(const dnalm::deep_lift_map& map) {
  std::vector<double> largest;
  for (const std::vector<double>& states : map.residuals) larger_in_size(largest, states);
  return largest;
}

/// What these are.
[[nodiscard]] inline std::string residuals_convention() {
  return "at each hidden state sum of multipliers times differences - (f(x) - f(reference)), of the "
         "reference "
         "where it is largest in size; of networks of layers state 0 alone, the residual of the whole "
         "network";
}

[[nodiscard]] inline attribution_method deep_lift_method(const dnalm::attribution_targets& targets,
                                                         const method_options& options) {
  const dnalm::baseline from = baseline_of(options);
  attribution_method made;
  made.unit = "contribution";
  made.members.convergence_delta = true;
  made.members.distinct_shuffles = from.kind == dnalm::baseline_kind::shuffles;
  made.conventions = baseline_convention(from, options.baseline_file);
  made.conventions["convergence_delta"] =
      "sum of contributions - (f(x) - f(reference)), of the reference where it is largest in size";
  made.conventions["attributions"] = options.hypothetical
                                         ? "hypothetical contributions; times one_hot they are "
                                           "the contributions"
                                         : "contributions, 0 at other letters";
  made.members.residuals = options.residuals;
  if (options.residuals) made.conventions["residuals"] = residuals_convention();
  made.explanation =
      "DeepLIFT's contributions of each base to the difference of the target between the sequence and its "
      "references, by exact rules for every layer; the mean over the references (DeepSHAP).";
  made.rows = [targets, options, from, f = dnalm::nucleotide_function(targets)](records_view records) {
    const std::vector<std::string> sequences = letters_of(records);
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const dnalm::index_t number = records[i].number;
      std::vector<dnalm::deep_lift_reference> references;
      for (dnalm::index_t r = 0; r < from.count(); ++r) {
        references.push_back(dnalm::baseline_weights(from, f, sequences[i], number, r));
      }
      const dnalm::deep_lift_options means{
          .threads = options.run.threads, .memory = options.run.memory, .residuals = options.residuals};
      const auto found = alone_of_list(static_cast<dnalm::index_t>(i), [&] {
        return dnalm::deep_lift(targets, 0, sequences[i], references, means);
      });
      if (options.residuals) rows[i].residuals = largest_residuals(found);
      rows[i].attributions = options.hypothetical ? found.hypothetical : found.contributions;
      rows[i].convergence_delta = found.largest_delta();
      if (from.kind == dnalm::baseline_kind::shuffles) {
        rows[i].distinct_shuffles = distinct_shuffles(sequences[i]);
      }
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline attribution_method embedding_method(const dnalm::attribution_targets& targets,
                                                         const method_options& options) {
  attribution_method made;
  made.unit = options.entropy_weighted ? "weighted norm" : "gradient norm";
  made.conventions["embedding_saliency"] =
      "Euclidean norm of the gradient by a token's embedding, repeated at each of its bases";
  made.explanation =
      "The size of the target's gradient by the embedding of the token that holds a base, through the model.";
  if (options.entropy_weighted) {
    made.conventions["context"] = context_words(targets.network(), options.context);
    made.conventions["entropy_weighted"] =
        "times the largest entropy of the sequence less the token's, bits over the whole vocabulary";
    made.explanation +=
        " It is weighed by how much surer than elsewhere in the sequence the language model is of the token.";
  }
  made.rows = [targets, options](records_view records) {
    const std::vector<std::string> sequences = letters_of(records);
    const auto found = dnalm::token_attribution(targets, sequences, options.run);
    std::vector<std::vector<double>> entropies;
    if (options.entropy_weighted) entropies = token_entropies(targets.network(), options, records);
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto numbers = dnalm::spread_over_bases(found[i].tokens, found[i].gradient_norm,
                                              static_cast<dnalm::index_t>(sequences[i].size()),
                                              dnalm::token_spread::repeat);
      if (options.entropy_weighted) {
        numbers = dnalm::entropy_weighted(numbers, entropies[i], dnalm::largest_entropy(entropies[i]));
      }
      rows[i].attributions = observed_map(sequences[i], numbers);
    }
    return rows;
  };
  return made;
}

}  // namespace detail
}  // namespace program
