// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The methods of dnalm-attribute behind one function: sequences in, rows of results out.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/baseline.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/dependency_map.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/attribution/strand_average.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/attribution/token_attribution.hpp>
#include <dnalm/sequence/shuffle.hpp>

namespace program {

/// What the options of dnalm-attribute say about the method.
struct method_options {
  std::string method = {};
  bool corrected = false;  ///< gradients less their mean over the letters
  bool hypothetical =
      false;  ///< of deep_lift_shap: every letter's contribution, not the observed one's alone
  bool entropy_weighted = false;  ///< of embedding_saliency: times the reversed entropy
  bool both_strands = false;
  std::string baseline = {};  ///< empty: the method's own
  dnalm::index_t replicates = 20;
  dnalm::index_t nodes = 32;
  dnalm::index_t samples = 50;
  double noise = 0.1;
  std::string centring = "mean4";
  std::string context = "automatic";
  std::uint64_t seed = 1;
  dnalm::run_options run = {};
};

/// What of a result stands for a base.
enum class map_reading {
  observed,  ///< the number of the observed letter
  sum,       ///< the sum over the letters: contributions that were shared out among them
  mean,      ///< the mean over the letters that do not stand there
  entropy    ///< the entropy of the prediction
};

/// One number a base of a row.
[[nodiscard]] inline std::vector<double> numbers_of_bases(const dnalm::attribution_row& row,
                                                          map_reading reading) {
  if (reading == map_reading::entropy) return row.entropy;
  std::vector<double> numbers(row.sequence.size(), 0.0);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int observed = dnalm::base_code(row.sequence[i]);
    for (int letter = 0; letter < 4; ++letter) {
      const double value = row.attributions(letter, static_cast<dnalm::index_t>(i));
      if (reading == map_reading::sum || (reading == map_reading::observed && letter == observed)) {
        numbers[i] += value;
      } else if (reading == map_reading::mean && letter != observed) {
        numbers[i] += value / (observed < 4 ? 3 : 4);
      }
    }
  }
  return numbers;
}

/// A method, ready to run.
struct attribution_method {
  std::function<std::vector<dnalm::attribution_row>(const std::vector<std::string>& sequences,
                                                    dnalm::index_t first_number)>
      rows = {};
  dnalm::attribution_members members = {};
  map_reading reading = map_reading::observed;
  std::string explanation = {};
  std::map<std::string, std::string> conventions = {};
};

/// Whether `--corrected` says something of a method: of those whose maps are gradients.
[[nodiscard]] inline bool has_correction(const std::string& method) {
  return method == "saliency" || method == "input_x_gradient" || method == "smooth_grad";
}

/// Whether a method explains a number of the model or of a probe; the others explain the model's predictions.
[[nodiscard]] inline bool needs_target(const std::string& method) {
  return method != "entropy" && method != "dependency" && method != "rollout";
}

namespace detail {

using rows_of = std::vector<dnalm::attribution_row>;

[[nodiscard]] inline std::function<std::string(std::string_view, dnalm::index_t, dnalm::index_t)> shuffler(
    std::uint64_t seed) {
  return [seed](std::string_view sequence, dnalm::index_t id, dnalm::index_t replicate) {
    return dnalm::shuffle_sequence(sequence, 2,
                                   {.seed = seed,
                                    .sequence = static_cast<std::uint64_t>(id),
                                    .replicate = static_cast<std::uint32_t>(replicate)});
  };
}

[[nodiscard]] inline dnalm::baseline baseline_of(const method_options& options,
                                                 const std::string& otherwise) {
  const std::string& name = options.baseline.empty() ? otherwise : options.baseline;
  return {.kind = dnalm::parse_baseline(name),
          .replicates = options.replicates,
          .shuffle = shuffler(options.seed)};
}

[[nodiscard]] inline std::map<std::string, std::string> baseline_convention(const dnalm::baseline& from) {
  std::string words(to_string(from.kind));
  if (from.kind == dnalm::baseline_kind::shuffles) {
    words = std::to_string(from.replicates) + " dinucleotide shuffles";
  }
  return {{"baseline", words}};
}

[[nodiscard]] inline attribution_method gradient_method(const dnalm::attribution_targets& targets,
                                                        const method_options& options) {
  const bool times_input = options.method == "input_x_gradient";
  const bool smooth = options.method == "smooth_grad";
  attribution_method made;
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
  made.rows = [f = dnalm::nucleotide_function(targets, options.run), options, times_input, smooth](
                  const std::vector<std::string>& sequences, dnalm::index_t first) {
    const auto found = smooth ? dnalm::smooth_grad(f, sequences,
                                                   {.deviation = options.noise,
                                                    .samples = options.samples,
                                                    .seed = options.seed,
                                                    .first_number = first})
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

[[nodiscard]] inline attribution_method path_method(const dnalm::attribution_targets& targets,
                                                    const method_options& options) {
  const bool expected = options.method == "expected_gradients";
  const dnalm::baseline from = baseline_of(options, expected ? "shuffles" : "zero");
  attribution_method made;
  made.members.convergence_delta = true;
  made.reading = map_reading::sum;
  made.conventions = baseline_convention(from);
  made.conventions["convergence_delta"] = "sum of attributions - (f(x) - f(baseline))";
  made.explanation =
      "What each base contributes to the difference of the target between the sequence and its baseline: the "
      "gradient, integrated on the way from one to the other. A drawing has the sum over the letters.";
  if (expected) {
    made.conventions["samples"] = std::to_string(options.samples);
  } else {
    made.conventions["nodes"] =
        "Gauss-Legendre, " + std::to_string(options.nodes) +
        " and doubled until the delta is at most 0.001 max(1, |f(x) - f(baseline)|), or 1,024";
  }
  made.rows = [f = dnalm::nucleotide_function(targets, options.run), options, expected, from](
                  const std::vector<std::string>& sequences, dnalm::index_t first) {
    const auto found =
        expected
            ? dnalm::expected_gradients(
                  f, sequences,
                  {.from = from, .samples = options.samples, .seed = options.seed, .first_number = first})
            : dnalm::integrated_gradients(f, sequences,
                                          {.from = from, .nodes = options.nodes, .first_number = first});
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = found[i].map;
      rows[i].convergence_delta = found[i].delta;
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline attribution_method deep_lift_method(const dnalm::attribution_targets& targets,
                                                         const method_options& options) {
  const dnalm::baseline from = baseline_of(options, "shuffles");
  attribution_method made;
  made.members.convergence_delta = true;
  made.conventions = baseline_convention(from);
  made.conventions["convergence_delta"] =
      "mean over references of sum of contributions - (f(x) - f(reference))";
  made.conventions["attributions"] = options.hypothetical
                                         ? "hypothetical contributions; times one_hot they are "
                                           "the contributions"
                                         : "contributions, 0 at other letters";
  made.explanation =
      "DeepLIFT's contributions of each base to the difference of the target between the sequence and its "
      "references, by exact rules for every layer; the mean over the references (DeepSHAP).";
  made.rows = [targets, options, from, f = dnalm::nucleotide_function(targets)](
                  const std::vector<std::string>& sequences, dnalm::index_t first) {
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const dnalm::index_t number = first + static_cast<dnalm::index_t>(i);
      std::vector<dnalm::deep_lift_reference> references;
      for (dnalm::index_t r = 0; r < from.count(); ++r) {
        references.push_back(dnalm::baseline_weights(from, f, sequences[i], number, r));
      }
      const auto found = dnalm::deep_lift(targets, 0, sequences[i], references,
                                          {.threads = options.run.threads, .memory = options.run.memory});
      rows[i].attributions = options.hypothetical ? found.hypothetical : found.contributions;
      rows[i].convergence_delta = found.mean_delta();
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline dnalm::effect_centring centring_of(const std::string& name) {
  return name == "raw"     ? dnalm::effect_centring::raw
         : name == "mean3" ? dnalm::effect_centring::mean3
                           : dnalm::effect_centring::mean4;
}

/// By what each substitution reaches where that gives the bits of a pass of each.
[[nodiscard]] inline std::vector<dnalm::substitution_effects> effects_of_all(
    const dnalm::attribution_targets& targets, const std::vector<std::string>& sequences,
    const dnalm::run_options& run) {
  if (targets.network().edits_are_exact() && (targets.reads_logits() || targets.layer() > 0)) {
    dnalm::edited_options options{.threads = run.threads};
    options.memory = std::min(options.memory, run.memory);
    return dnalm::find_substitution_effects(sequences, targets.function_of_substitutions(options));
  }
  return dnalm::find_substitution_effects(sequences, targets.function(run));
}

[[nodiscard]] inline attribution_method mutagenesis_method(const dnalm::attribution_targets& targets,
                                                           const method_options& options) {
  const dnalm::effect_centring centring = centring_of(options.centring);
  attribution_method made;
  made.conventions["centring"] = std::string(to_string(centring));
  made.reading = centring == dnalm::effect_centring::raw ? map_reading::mean : map_reading::observed;
  made.explanation = "What each substitution does to the target, computed one by one";
  made.explanation += centring == dnalm::effect_centring::raw
                          ? "; the letters that stand there have 0. A drawing has the mean over the others."
                          : ", less the mean at each position.";
  made.rows = [targets, run = options.run, centring](const std::vector<std::string>& sequences,
                                                     dnalm::index_t) {
    const auto found = effects_of_all(targets, sequences, run);
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = dnalm::centred(found[i].effects[0], sequences[i], centring);
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline std::vector<dnalm::io::sequence_record> records_of(
    const std::vector<std::string>& sequences) {
  std::vector<dnalm::io::sequence_record> records(sequences.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].name = std::to_string(i + 1);
    records[i].sequence = sequences[i];
  }
  return records;
}

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

[[nodiscard]] inline attribution_method entropy_method(const dnalm::model& network,
                                                       const method_options& options) {
  attribution_method made;
  made.members.entropy = true;
  made.reading = map_reading::entropy;
  const auto context = context_of(options.context);
  made.conventions["context"] = context_words(network, options.context);
  made.conventions["entropy"] = "bits, over A, C, G, T";
  made.conventions["attributions"] = "probability times information (2 - entropy), bits";
  made.explanation =
      "What the language model expects at each position from the others: the height of a letter is its "
      "probability times the information of the position in bits.";
  made.rows = [network, options, context](const std::vector<std::string>& sequences, dnalm::index_t) {
    const auto found = dnalm::predict_nucleotides(
        network, records_of(sequences),
        {.context = context, .threads = options.run.threads, .memory = options.run.memory});
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = information_map(found[i].log_probabilities);
      rows[i].entropy = dnalm::entropy_bits(found[i].log_probabilities);
    }
    return rows;
  };
  return made;
}

/// The entropies of the predicted tokens of each sequence.
[[nodiscard]] inline std::vector<std::vector<double>> token_entropies(
    const dnalm::model& network, const method_options& options, const std::vector<std::string>& sequences) {
  const auto found = dnalm::predict_nucleotides(
      network, records_of(sequences),
      {.context = context_of(options.context), .threads = options.run.threads, .memory = options.run.memory});
  std::vector<std::vector<double>> entropies;
  for (const auto& each : found) entropies.push_back(each.token_entropy);
  return entropies;
}

[[nodiscard]] inline attribution_method embedding_method(const dnalm::attribution_targets& targets,
                                                         const method_options& options) {
  attribution_method made;
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
  made.rows = [targets, options](const std::vector<std::string>& sequences, dnalm::index_t) {
    const auto found = dnalm::token_attribution(targets, sequences, options.run);
    std::vector<std::vector<double>> entropies;
    if (options.entropy_weighted) entropies = token_entropies(targets.network(), options, sequences);
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto numbers = dnalm::spread_over_bases(found[i].tokens, found[i].gradient_norm,
                                              static_cast<dnalm::index_t>(sequences[i].size()),
                                              dnalm::token_spread::repeat);
      if (options.entropy_weighted) {
        numbers = dnalm::entropy_weighted(numbers, entropies[i], dnalm::largest_entropy(entropies[i]));
      }
      rows[i].attributions = dnalm::one_hot_map(sequences[i]);
      for (dnalm::index_t p = 0; p < rows[i].attributions.length; ++p) {
        for (dnalm::index_t a = 0; a < 4; ++a) {
          rows[i].attributions(a, p) *= numbers[static_cast<std::size_t>(p)];
        }
      }
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline attribution_method dependency_method(const dnalm::model& network,
                                                          const method_options& options) {
  attribution_method made;
  made.members.dependency = true;
  made.reading = map_reading::mean;
  made.conventions["context"] = "nothing masked";
  made.conventions["dependency"] =
      "largest change of log2 odds over substitutions and letters; row substituted, "
      "column observed";
  made.conventions["attributions"] =
      "influence of a substitution: mean over the other positions of the largest "
      "change of log2 odds";
  made.explanation =
      "How much a substitution at one position (row) changes what the model predicts at another "
      "(column).";
  made.rows = [network, options](const std::vector<std::string>& sequences, dnalm::index_t) {
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto found =
          dnalm::nucleotide_dependencies(network, sequences[i], {}, options.both_strands,
                                         {.threads = options.run.threads, .memory = options.run.memory});
      rows[i].attributions = found.influence;
      rows[i].dependency = found.log_odds.values;
    }
    return rows;
  };
  return made;
}

[[nodiscard]] inline attribution_method rollout_method(const dnalm::model& network,
                                                       const method_options& options) {
  attribution_method made;
  made.conventions["rollout"] =
      "mean over heads, half the residual; the mean over the tokens of bases, a token's "
      "number shared evenly among its bases";
  made.explanation =
      "How much attention, followed through all layers, the tokens of the sequence pay to each base.";
  made.rows = [network, options](const std::vector<std::string>& sequences, dnalm::index_t) {
    const auto found = dnalm::roll_out_attention(
        network, records_of(sequences), {.threads = options.run.threads, .memory = options.run.memory});
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = dnalm::one_hot_map(sequences[i]);
      for (dnalm::index_t p = 0; p < rows[i].attributions.length; ++p) {
        for (dnalm::index_t a = 0; a < 4; ++a) {
          rows[i].attributions(a, p) *= found[i].bases[static_cast<std::size_t>(p)];
        }
      }
    }
    return rows;
  };
  return made;
}

/// Both strands of a method that reads one: the mean of a sequence's result and its reverse complement's,
/// turned back.
inline void read_both_strands(attribution_method& method) {
  method.rows = [one = method.rows](const std::vector<std::string>& sequences, dnalm::index_t first) {
    std::vector<std::string> turned;
    for (const std::string& sequence : sequences) turned.push_back(dnalm::reverse_complement(sequence));
    rows_of rows = one(sequences, first);
    const rows_of others = one(turned, first);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = dnalm::strand_average(rows[i].attributions, others[i].attributions);
      rows[i].convergence_delta = (rows[i].convergence_delta + others[i].convergence_delta) / 2;
      if (!rows[i].entropy.empty())
        rows[i].entropy = dnalm::strand_average(rows[i].entropy, others[i].entropy);
    }
    return rows;
  };
}

}  // namespace detail

/// The method that the options name. `targets` (one target) is there where needs_target says so.
[[nodiscard]] inline attribution_method make_method(
    const method_options& options, const dnalm::model& network,
    const std::optional<dnalm::attribution_targets>& targets) {
  using namespace detail;
  const std::string& name = options.method;
  const bool path = name == "integrated_gradients" || name == "expected_gradients";
  attribution_method made = name == "entropy"              ? entropy_method(network, options)
                            : name == "dependency"         ? dependency_method(network, options)
                            : name == "rollout"            ? rollout_method(network, options)
                            : name == "ism"                ? mutagenesis_method(*targets, options)
                            : name == "deep_lift_shap"     ? deep_lift_method(*targets, options)
                            : name == "embedding_saliency" ? embedding_method(*targets, options)
                            : path                         ? path_method(*targets, options)
                                                           : gradient_method(*targets, options);
  if (options.both_strands && name != "dependency") read_both_strands(made);
  made.conventions["method"] = name;
  made.conventions["letters"] = "A, C, G, T";
  made.conventions["strands"] = options.both_strands ? "mean of both, the other turned back" : "as given";
  if (name == "dependency" && dnalm::default_context(network) == dnalm::prediction_context::left) {
    made.conventions["strands"] = "each strand gives what lies behind the substitution, both joined";
  }
  made.conventions["seed"] = std::to_string(options.seed);
  if (targets) made.conventions["target"] = targets->name(0);
  return made;
}

}  // namespace program
