// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Methods of dnalm-attribute for models whose tokens are pieces of text (BPE): scores of tokens.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/deep_lift.hpp>
#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/attribution/token_attribution.hpp>
#include <dnalm/core/error.hpp>
#include <support/attribution_explanations.hpp>
#include <support/attribution_method.hpp>
#include <support/attribution_options.hpp>
#include <support/sequence_names.hpp>

namespace program {
namespace detail {

/// \throws error [dnalm.unsupported.746].
[[noreturn]] inline void refuse_for_tokens(const std::string& where, const std::string& expected) {
  throw dnalm::error(dnalm::error_kind::unsupported, 746, "an option that the model's tokens give no meaning",
                     {.where = where, .expected = expected});
}

/// Whether a method scores tokens, since the model's are pieces and the method has a meaning for them.
/// \throws error [dnalm.unsupported.746] --spread with a model of letters or k-mers.
[[nodiscard]] inline bool scores_pieces(const dnalm::model& network, const method_options& options) {
  if (options.method != "input_x_gradient" && options.method != "deep_lift_shap") return false;
  const bool pieces = dnalm::nucleotide_input(network).entry() == dnalm::nucleotide_entry::pieces;
  if (!pieces && !options.spread.empty()) {
    refuse_for_tokens("--spread",
                      "a model whose tokens are pieces of text; here each base has its own number");
  }
  return pieces;
}

/// The token that stands in the place of all pieces. \throws error [dnalm.unsupported.746].
[[nodiscard]] inline std::int32_t reference_piece(const dnalm::model& network,
                                                  const method_options& options) {
  if (options.hypothetical) {
    refuse_for_tokens("--hypothetical", "a model of letters or k-mers: a piece has no letters to exchange");
  }
  if (options.replicates_given) {
    refuse_for_tokens("--replicates", "a model of letters or k-mers: pieces are not shuffled");
  }
  const bool bases =
      !options.baseline_file.empty() || (!options.baseline.empty() && options.baseline != "mask");
  const std::int32_t token = dnalm::nucleotide_input(network).mask_token();
  if (!bases && token >= 0) return token;
  refuse_for_tokens(
      "the baseline, of a model whose tokens are pieces of text",
      bases ? "--baseline mask: other letters would have other tokens" : "a model with a mask token");
}

/// Scores of a sequence's tokens, and numbers of its bases.
inline void spread_scores(dnalm::attribution_row& row, const std::string& sequence,
                          dnalm::token_sequence tokens, std::vector<double> scores,
                          dnalm::token_spread spread) {
  const auto length = static_cast<dnalm::index_t>(sequence.size());
  row.attributions = observed_map(sequence, dnalm::spread_over_bases(tokens, scores, length, spread));
  row.tokens = std::move(tokens);
  row.scores = std::move(scores);
}

[[nodiscard]] inline rows_of gradient_rows_of_pieces(const dnalm::attribution_targets& targets,
                                                     const std::vector<std::string>& sequences,
                                                     const method_options& options,
                                                     dnalm::token_spread spread) {
  auto found = dnalm::token_attribution(targets, sequences, options.run);
  rows_of rows(sequences.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    spread_scores(rows[i], sequences[i], std::move(found[i].tokens), std::move(found[i].input_times_gradient),
                  spread);
  }
  return rows;
}

[[nodiscard]] inline rows_of deep_lift_rows_of_pieces(const dnalm::attribution_targets& targets,
                                                      const std::vector<std::string>& sequences,
                                                      std::int32_t reference, const method_options& options,
                                                      dnalm::token_spread spread) {
  rows_of rows(sequences.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<dnalm::deep_lift_reference> references = {
        dnalm::token_reference(sequences[i], reference)};
    auto found = alone_of_list(static_cast<dnalm::index_t>(i), [&] {
      return dnalm::deep_lift(
          targets, 0, sequences[i], references,
          {.threads = options.run.threads, .memory = options.run.memory, .residuals = options.residuals});
    });
    if (options.residuals) rows[i].residuals = largest_residuals(found);
    rows[i].convergence_delta = found.largest_delta();
    spread_scores(rows[i], sequences[i], targets.network().tokenize(sequences[i]), std::move(found.tokens),
                  spread);
  }
  return rows;
}

/// Input times gradient, or DeepLIFT against the mask token, of pieces.
[[nodiscard]] inline attribution_method piece_method(const dnalm::attribution_targets& targets,
                                                     const method_options& options) {
  const bool lifts = options.method == "deep_lift_shap";
  if (options.corrected) {
    refuse_for_tokens("--corrected", "a model of letters or k-mers: a piece has no four letters");
  }
  const auto spread = options.spread == "repeat" ? dnalm::token_spread::repeat : dnalm::token_spread::even;
  attribution_method made;
  made.unit = lifts ? "contribution" : "gradient \u00d7 input";
  made.members.tokens = true;
  made.conventions["spread"] = spread == dnalm::token_spread::even
                                   ? "even: a token's score in equal parts at its bases"
                                   : "repeat: a token's score at each of its bases";
  made.conventions["token_scores"] =
      lifts ? "multipliers by a token's row times its difference from the mask token's"
            : "gradient by a token's row of the word table times the row";
  made.conventions["token_scores"] += "; of the sequence as given";
  made.explanation = lifts
                         ? "DeepLIFT's contributions of each token to the difference of the target between "
                           "the sequence and the mask token in the place of every token, by exact rules for "
                           "every layer, "
                         : "The gradient of the target by the embedding of each token, times the embedding, ";
  made.explanation +=
      spread == dnalm::token_spread::even ? "in equal parts at the token's bases." : "at each of its bases.";
  std::int32_t reference = -1;
  if (lifts) {
    reference = reference_piece(targets.network(), options);
    made.members.convergence_delta = true;
    made.members.residuals = options.residuals;
    if (options.residuals) made.conventions["residuals"] = residuals_convention();
    made.conventions["baseline"] = "mask";
    made.conventions["convergence_delta"] = "sum of token_scores - (f(x) - f(reference))";
  }
  made.rows = [targets, options, spread, reference, lifts](records_view records) {
    const std::vector<std::string> sequences = letters_of(records);
    return lifts ? deep_lift_rows_of_pieces(targets, sequences, reference, options, spread)
                 : gradient_rows_of_pieces(targets, sequences, options, spread);
  };
  return made;
}

}  // namespace detail
}  // namespace program
