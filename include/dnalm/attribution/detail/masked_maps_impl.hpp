// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/masked_maps.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <variant>

#include <dnalm/attribution/detail/prediction_plan.hpp>
#include <dnalm/attribution/detail/token_passes.hpp>
#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/nucleotide_probabilities.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/sequence_error.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::string_view to_string(prediction_context context) {
  switch (context) {
    case prediction_context::automatic: return "automatic";
    case prediction_context::masked: return "masked";
    case prediction_context::wild_type: return "wild_type";
    case prediction_context::left: return "left";
  }
  return "?";
}

DNALM_INLINE prediction_context default_context(const model& network) {
  const model_description& about = network.describe();
  const network_summary summary = about.summary();
  if (summary.predicts_bases) return prediction_context::wild_type;
  if (summary.resizes) {
    throw error(error_kind::unsupported, 853,
                "a network that predicts neither tokens nor bases is no language model",
                {.where = about.name, .found = std::string(about.architecture_name())});
  }
  const bool causal = std::holds_alternative<hyena_config>(about.config);
  return causal ? prediction_context::left : prediction_context::masked;
}

namespace detail {

/// \throws error [dnalm.unsupported.853], [dnalm.unsupported.854].
[[nodiscard]] inline prediction_context resolve_context(const model& network, prediction_context asked) {
  const prediction_context own = default_context(network);
  if (asked == prediction_context::automatic) asked = own;
  const bool fits = own == prediction_context::left ? asked == own : asked != prediction_context::left;
  const bool masks = network.describe().mask_id() >= 0;
  if (fits && (masks || asked != prediction_context::masked)) return asked;
  throw error(error_kind::unsupported, 854, "the model does not predict letters in this context",
              {.where = network.describe().name,
               .expected = own == prediction_context::left ? "left: the model is causal"
                           : !masks                        ? "wild_type: the model has no mask token"
                                                           : "masked or wild_type: the model is not causal",
               .found = std::string(to_string(asked))});
}

/// One call of predict_nucleotides.
struct prediction_job {
  const model& network;
  std::span<const io::sequence_record> sequences;
  const prediction_options& options;
  prediction_context context;
  nucleotide_vocabulary vocabulary;
  std::vector<planned_prediction> plans = {};  ///< by sequence
  std::vector<prediction_pass> passes = {};

  [[nodiscard]] const planned_prediction& plan(index_t sequence) const {
    return plans[static_cast<std::size_t>(sequence)];
  }
  [[nodiscard]] std::string name_of(index_t sequence) const {
    return io::sequence_words(sequences[static_cast<std::size_t>(sequence)], sequence);
  }
};

/// Bases at each end of a sequence for which a network of layers predicts nothing; 0 of other networks.
/// \throws error [dnalm.input.433].
[[nodiscard]] inline index_t unpredicted_ends(const model& network, index_t tokens,
                                              const std::string& where) {
  if (!network.describe().summary().resizes) return 0;
  return (tokens - network.state_rows(network.logits_state(), tokens, where)) / 2;
}

/// Tokenises all sequences, so that a bad one is told before the long work begins.
inline void plan_predictions(prediction_job& job) {
  job.plans.resize(job.sequences.size());
  const bool left = job.context == prediction_context::left;
  const window_rule& rule = job.options.window;
  const index_t window = resolve_window(rule, job.network.describe());
  parallel_for(static_cast<index_t>(job.sequences.size()), job.options.threads, [&](index_t s, int) {
    planned_prediction& plan = job.plans[static_cast<std::size_t>(s)];
    const std::string& text = job.sequences[static_cast<std::size_t>(s)].sequence;
    plan.text = about_sequence(s, job.name_of(s), [&](const std::string& where) {
      return tokenize_windows(job.network, text, window, rule.overlap, where);
    });
    if (left && !plan.text.windows.empty() && rule.overlap == 0) {
      throw sequence_error(error_kind::usage, 870, "windows of a causal model that share no tokens", s,
                           {.expected = "an overlap: what a window's first tokens follow"}, job.name_of(s));
    }
    const token_sequence& tokens = plan.text.tokens;
    plan.readings = tokens_overlap(tokens)
                        ? base_readings(tokens, job.vocabulary, static_cast<index_t>(text.size()))
                        : token_readings(tokens, job.vocabulary, left);
    const index_t ends = about_sequence(s, job.name_of(s), [&](const std::string& where) {
      return unpredicted_ends(job.network, tokens.size(), where);
    });
    leave_out_ends(plan, ends);
  });
  const bool alone = job.context == prediction_context::masked;
  for (index_t s = 0; s < static_cast<index_t>(job.plans.size()); ++s) {
    const auto passes = passes_of(s, job.plan(s), alone);
    job.passes.insert(job.passes.end(), passes.begin(), passes.end());
  }
}

/// Puts the tokens of a pass behind `ids`, those of its readings masked if it is asked for.
inline void append_pass(const prediction_pass& pass, const planned_prediction& plan, std::int32_t mask,
                        std::vector<std::int32_t>& ids) {
  const windowed_tokens& text = plan.text;
  const std::vector<std::int32_t>& all = text.tokens.ids;
  const auto start = static_cast<index_t>(ids.size());
  ids.insert(ids.end(), all.begin(), all.begin() + text.prefix);
  ids.insert(ids.end(), all.begin() + pass.begin, all.begin() + pass.end);
  ids.insert(ids.end(), all.end() - text.suffix, all.end());
  if (mask < 0) return;
  for (index_t i = pass.first; i < pass.first + pass.count; ++i) {
    const token_reading& reading = plan.readings[static_cast<std::size_t>(i)];
    for (index_t t = std::max(reading.mask_begin, pass.begin); t < std::min(reading.mask_end, pass.end);
         ++t) {
      ids[static_cast<std::size_t>(start + pass.place(t, text))] = mask;
    }
  }
}

/// Puts what one row of logits tells into its columns.
inline void take_reading(const prediction_job& job, index_t sequence, const token_reading& reading,
                         vector_view<const float> logits, nucleotide_prediction& result) {
  for (const float logit : logits) {
    if (std::isfinite(logit)) continue;
    throw sequence_error(error_kind::numeric, 855, "a logit that is not finite", sequence,
                         {.where = "token " + std::to_string(reading.token)}, job.name_of(sequence));
  }
  const std::int32_t id = job.plan(sequence).text.tokens.ids[static_cast<std::size_t>(reading.token)];
  const nucleotide_map log_p = log_probabilities_of(job.vocabulary.read(logits, id, job.options.reading));
  const double entropy = softmax_entropy_bits(logits);
  const auto likeliest =
      static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  for (index_t i = 0; i < reading.letters; ++i) {
    for (index_t a = 0; a < 4; ++a) {
      result.log_probabilities(a, reading.base + i) = log_p(a, reading.from + i);
    }
    const auto base = static_cast<std::size_t>(reading.base + i);
    result.token_entropy[base] = entropy;
    result.likeliest_tokens[base] = likeliest;
  }
}

/// Passes [first, first + count) as one batch.
inline void run_predictions(const prediction_job& job, index_t first, index_t count,
                            forward_workspace& workspace, std::vector<nucleotide_prediction>& results) {
  const auto passes =
      std::span(job.passes).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
  const std::int32_t mask = job.context == prediction_context::masked ? job.network.describe().mask_id() : -1;
  std::vector<std::int32_t> ids;
  ragged_offsets offsets;
  std::vector<index_t> rows;
  index_t start = 0;  // of a pass, among the rows of logits
  for (const prediction_pass& pass : passes) {
    const planned_prediction& plan = job.plan(pass.sequence);
    append_pass(pass, plan, mask, ids);
    offsets.append(pass.tokens(plan.text));
    for (index_t i = pass.first; i < pass.first + pass.count; ++i) {
      rows.push_back(start + pass.place(plan.readings[static_cast<std::size_t>(i)].row, plan.text));
    }
    start += pass.tokens(plan.text) - 2 * plan.ends;
  }
  const auto take = [&](matrix_view<const float> logits) {
    index_t row = 0;
    for (const prediction_pass& pass : passes) {
      const auto& readings = job.plan(pass.sequence).readings;
      for (index_t i = pass.first; i < pass.first + pass.count; ++i) {
        take_reading(job, pass.sequence, readings[static_cast<std::size_t>(i)], logits.row(row++),
                     results[static_cast<std::size_t>(pass.sequence)]);
      }
    }
  };
  job.network.logits({ids, offsets}, rows, take, workspace);
  if (job.options.watcher != nullptr) job.options.watcher->advance(count);
}

}  // namespace detail

DNALM_INLINE std::vector<nucleotide_prediction> predict_nucleotides(
    const model& network, std::span<const io::sequence_record> sequences, const prediction_options& options) {
  const prediction_context context = detail::resolve_context(network, options.context);
  std::vector<nucleotide_prediction> results(sequences.size());
  if (sequences.empty()) return results;
  const model_description& about = network.describe();
  if (!about.tokens) static_cast<void>(network.tokenize("A"));  // tells that there is no tokenizer
  detail::prediction_job job{network, sequences, options, context,
                             nucleotide_vocabulary(*about.tokens, about.summary().logits_width())};
  detail::plan_predictions(job);
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto bases = static_cast<index_t>(sequences[s].sequence.size());
    results[s].log_probabilities = nucleotide_map(bases);
    std::fill(results[s].log_probabilities.values.begin(), results[s].log_probabilities.values.end(),
              unknown);
    results[s].token_entropy.assign(sequences[s].sequence.size(), unknown);
    results[s].likeliest_tokens.assign(sequences[s].sequence.size(), -1);
  }
  std::vector<index_t> tokens;
  for (const detail::prediction_pass& pass : job.passes)
    tokens.push_back(pass.tokens(job.plan(pass.sequence).text));
  detail::for_all_passes(network, tokens, {options.threads, options.memory, options.batch_sequences},
                         [&](index_t first, index_t count, forward_workspace& workspace) {
                           detail::run_predictions(job, first, count, workspace, results);
                         });
  return results;
}

DNALM_END_NAMESPACE
