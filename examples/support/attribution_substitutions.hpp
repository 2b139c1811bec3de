// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief In-silico mutagenesis of dnalm-attribute: all substitutions, computed by what each reaches.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/gradient_attribution.hpp>
#include <dnalm/attribution/map_transforms.hpp>
#include <dnalm/attribution/model_gradients.hpp>
#include <dnalm/attribution/substitution_effects.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/types.hpp>
#include <support/attribution_method.hpp>
#include <support/attribution_options.hpp>
#include <support/plain_text.hpp>
#include <support/sequence_names.hpp>

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

/// The edits of largest first-order effect, the effects of the others as the gradient guesses them.
[[nodiscard]] inline dnalm::screened_effects screened(const dnalm::attribution_targets& targets,
                                                      const std::string& sequence,
                                                      const dnalm::nucleotide_map& gradient,
                                                      const method_options& options) {
  const std::vector<dnalm::nucleotide_map> guess = {dnalm::first_order_effects(gradient, sequence)};
  if (reuses_sequence(targets, options)) {
    const auto f = edits_of_target(targets, {sequence}, options.run);
    return dnalm::screen_substitution_effects(sequence, f, guess, options.screen);
  }
  return dnalm::screen_substitution_effects(sequence, targets.function(options.run), guess, options.screen);
}

/// Rows of a screen, raw. `gradients` is f with its gradient by nucleotides; all effects of the first
/// `checked` records are computed too.
[[nodiscard]] inline rows_of screened_rows(const dnalm::attribution_targets& targets,
                                           const dnalm::relaxed_function& gradients, records_view records,
                                           dnalm::index_t checked, const method_options& options) {
  const std::vector<std::string> sequences = letters_of(records);
  const auto slopes = dnalm::saliency(gradients, sequences);
  rows_of rows(sequences.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    dnalm::screened_effects found = alone_of_list(static_cast<dnalm::index_t>(i), [&] {
      return screened(targets, sequences[i], slopes[i].map, options);
    });
    rows[i].screen_recall = std::nan("");
    if (static_cast<dnalm::index_t>(i) < checked) {
      const auto all = alone_of_list(static_cast<dnalm::index_t>(i), [&] {
        return effects_of_all(targets, {sequences[i]}, options).front();
      });
      rows[i].screen_recall = dnalm::screen_recall(sequences[i], all.effects, found.computed, options.screen);
    }
    rows[i].attributions = std::move(found.effects[0]);
    rows[i].computed = std::move(found.computed);
  }
  return rows;
}

/// Rows of all substitutions, raw.
[[nodiscard]] inline rows_of effect_rows(const dnalm::attribution_targets& targets,
                                         const std::vector<std::string>& sequences,
                                         const method_options& options) {
  auto found = effects_of_all(targets, sequences, options);
  rows_of rows(sequences.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i].attributions = std::move(found[i].effects[0]);
  return rows;
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
  dnalm::relaxed_function gradients;
  if (options.screen > 0) {
    const std::string edits = std::to_string(options.screen);
    made.members.computed = true;
    made.conventions["screen"] =
        "the " + edits +
        " edits of largest first-order effect g[b] - g[observed] (0 at N) are computed; the others have that "
        "effect";
    made.conventions["computed"] =
        "which raw effects are computed, before any centring; false at observed letters";
    if (centring != dnalm::effect_centring::raw) {
      made.conventions["computed"] +=
          "; a centred number is less a mean of computed and first-order effects of its position";
    }
    made.explanation =
        "What substitutions do to the target: the " + edits +
        " of a sequence that look largest to the gradient computed one by one, the others as the "
        "gradient guesses them";
    gradients = dnalm::nucleotide_function(targets, options.run);
  }
  made.explanation += centring == dnalm::effect_centring::raw
                          ? "; the letters that stand there have 0. A drawing has the mean over the others."
                          : ", less the mean at each position.";
  // How many records are still to be checked; a copy of the method, for the other strand, counts for itself.
  made.rows = [targets, options, centring, gradients,
               unchecked = options.screen_check](records_view records) mutable {
    rows_of rows = options.screen > 0 ? screened_rows(targets, gradients, records, unchecked, options)
                                      : effect_rows(targets, letters_of(records), options);
    unchecked -= std::min(unchecked, static_cast<dnalm::index_t>(rows.size()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].attributions = dnalm::centred(rows[i].attributions, records[i].sequence, centring);
    }
    return rows;
  };
  return made;
}

}  // namespace detail

/// What a screen found, over the sequences of which all was computed.
class screen_tally {
 public:
  void add(const dnalm::attribution_row& row) {
    if (std::isnan(row.screen_recall)) return;
    ++rows_;
    sum_ += row.screen_recall;
    least_ = std::min(least_, row.screen_recall);
  }
  [[nodiscard]] bool empty() const { return rows_ == 0; }
  /// `0.93 of the 20 largest, mean of 4 sequences; at least 0.85`.
  [[nodiscard]] std::string words(dnalm::index_t edits) const {
    return short_text(sum_ / static_cast<double>(rows_)) + " of the " + std::to_string(edits) +
           " largest edits were computed, mean of " + std::to_string(rows_) + " sequences; at least " +
           short_text(least_);
  }
  void tell(dnalm::index_t edits) const {
    if (!empty()) std::fprintf(stderr, "dnalm-attribute: by the screen %s\n", words(edits).c_str());
  }

 private:
  dnalm::index_t rows_ = 0;
  double sum_ = 0;
  double least_ = 1;
};

}  // namespace program
