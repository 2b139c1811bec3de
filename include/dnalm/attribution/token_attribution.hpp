// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attribution of tokens, for any tokenizer, and how it is spread over bases.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE

/// What one target's gradient says of the tokens of a sequence.
struct token_scores {
  token_sequence tokens = {};  ///< with the bases that each covers
  std::vector<double> input_times_gradient =
      {};                                  ///< by token: <e, g>, e the word's row, g the gradient by it
  std::vector<double> gradient_norm = {};  ///< by token: |g|, the saliency of the embedding
  double value = 0;                        ///< f(x)
};

/// Scores of the tokens of all sequences, n C in number: sequence by sequence, target by target. Special
/// tokens have scores like all others. Source of the norm: the embedding saliency of "Evaluating the
/// representational power of pre-trained DNA language models for regulatory genomics", Tang, Somia, Yu, Koo
/// (there of a probe's own input; here through the model).
/// \throws as model::tokenize; sequence_error [dnalm.numeric.803] a gradient that is not finite. Cost: one
/// gradient.
[[nodiscard]] std::vector<token_scores> token_attribution(const attribution_targets& targets,
                                                          std::span<const std::string> sequences,
                                                          const run_options& options = {});

/// How a token's score becomes numbers of its bases.
enum class token_spread {
  even,   ///< score / bases: sums are kept
  repeat  ///< the score itself at each base, as the study plots it
};

/// `even`, `repeat`.
[[nodiscard]] constexpr std::string_view to_string(token_spread spread) {
  return spread == token_spread::even ? "even" : "repeat";
}

/// (length): each base's sum over the tokens that cover it; tokens without bases (CLS) count nowhere.
/// \throws error [dnalm.shape.812] not one score per token, or tokens beyond the length.
[[nodiscard]] std::vector<double> spread_over_bases(const token_sequence& tokens,
                                                    std::span<const double> scores, index_t length,
                                                    token_spread spread = token_spread::even);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/attribution/detail/token_attribution_impl.hpp>
#endif
