// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief In-silico mutagenesis of dnalm-attribute: all substitutions, computed by what each reaches.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/types.hpp>
#include <support/attribution_method.hpp>
#include <support/attribution_options.hpp>

namespace program {
namespace detail {

[[nodiscard]] inline dnalm::effect_centring centring_of(const std::string& name) {
  return name == "raw"     ? dnalm::effect_centring::raw
         : name == "mean3" ? dnalm::effect_centring::mean3
                           : dnalm::effect_centring::mean4;
}

/// Whether substitutions are computed by what each reaches.
[[nodiscard]] inline bool reuses_sequence(const dnalm::attribution_targets& targets,
                                          const method_options& options) {
  const bool read = targets.reads_logits() || targets.layer() > 0;
  return !options.whole_passes && targets.network().runs_edits() && read;
}

/// How a substitution's number stands to that of a pass of its own.
[[nodiscard]] inline std::string edits_convention(const dnalm::attribution_targets& targets,
                                                  const method_options& options) {
  if (!reuses_sequence(targets, options)) return "each edited sequence in a pass of its own";
  if (targets.network().edits_are_exact()) {
    return "what each edit reaches; bit by bit the numbers of a pass of each edited sequence";
  }
  return "prefix reuse: what stands behind each edit; hidden states within 3e-6 of their largest number of "
         "those of a pass of each edited sequence (rounding of the long convolutions)";
}

/// Threads for the substitutions of a sequence: each keeps states of the unedited one, three rows wide.
[[nodiscard]] inline int threads_for_edits(const dnalm::model& network, const std::string& sequence,
                                           const dnalm::run_options& run) {
  const auto tokens = network.tokenize(sequence).size();
  dnalm::index_t numbers = 0;
  for (dnalm::index_t k = 0; k <= network.describe().layers(); ++k) {
    const auto state = dnalm::checked_mul(network.state_rows(k, tokens), network.state_width(k));
    numbers = dnalm::checked_add(numbers, state);
  }
  const auto bytes = dnalm::checked_mul(dnalm::checked_mul(numbers, 3), sizeof(float));
  const auto room = std::max<dnalm::index_t>(run.memory / std::max<dnalm::index_t>(bytes, 1), 1);
  return static_cast<int>(std::min<dnalm::index_t>(dnalm::thread_count(run.threads), room));
}

/// The target of substitutions of any of these sequences, by what each reaches.
[[nodiscard]] inline dnalm::substitution_function edits_of_target(const dnalm::attribution_targets& targets,
                                                                  const std::vector<std::string>& sequences,
                                                                  const dnalm::run_options& run) {
  dnalm::edited_options options{.threads = dnalm::thread_count(run.threads)};
  options.memory = std::min(options.memory, run.memory);
  for (const std::string& sequence : sequences) {
    options.threads = std::min(options.threads, threads_for_edits(targets.network(), sequence, run));
  }
  return targets.function_of_substitutions(options);
}

[[nodiscard]] inline std::vector<dnalm::substitution_effects> effects_of_all(
    const dnalm::attribution_targets& targets, const std::vector<std::string>& sequences,
    const method_options& options) {
  if (reuses_sequence(targets, options)) {
    return dnalm::find_substitution_effects(sequences, edits_of_target(targets, sequences, options.run));
  }
  return dnalm::find_substitution_effects(sequences, targets.function(options.run));
}

[[nodiscard]] inline attribution_method mutagenesis_method(const dnalm::attribution_targets& targets,
                                                           const method_options& options) {
  const dnalm::effect_centring centring = centring_of(options.centring);
  attribution_method made;
  made.unit = "effect";
  made.conventions["centring"] = std::string(to_string(centring));
  made.conventions["edits"] = edits_convention(targets, options);
  made.reading = centring == dnalm::effect_centring::raw ? map_reading::mean : map_reading::observed;
  made.explanation = "What each substitution does to the target, computed one by one";
  made.explanation += centring == dnalm::effect_centring::raw
                          ? "; the letters that stand there have 0. A drawing has the mean over the others."
                          : ", less the mean at each position.";
  made.rows = [targets, options, centring](const std::vector<std::string>& sequences, dnalm::index_t) {
    const auto found = effects_of_all(targets, sequences, options);
    rows_of rows(sequences.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = dnalm::centred(found[i].effects[0], sequences[i], centring);
    }
    return rows;
  };
  return made;
}

}  // namespace detail
}  // namespace program
