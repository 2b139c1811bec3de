// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The windows of one tokenised sequence: which tokens frame it, and where it is cut between them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/embed/window_rule.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/tokenize/tokens.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Tokens of a window, framing ones included; 0: nothing is cut. \throws error [dnalm.usage.459],
/// [dnalm.usage.460].
[[nodiscard]] inline index_t resolve_window(const window_rule& rule, const model_description& about) {
  if (rule.tokens == 0) {
    if (rule.overlap == 0) return 0;
    throw error(error_kind::usage, 460, "an overlap of windows without windows",
                {.expected = "a window (--window)", .found = "overlap " + std::to_string(rule.overlap)});
  }
  if (about.summary().resizes) {
    throw error(error_kind::unsupported, 462,
                "windows over sequences of a network whose layers have rows of their own",
                {.where = about.name, .expected = "no windows: it reads any length, or one"});
  }
  if (rule.tokens == window_rule::model_limit) return about.max_tokens;
  if (rule.tokens < 0 || (about.max_tokens > 0 && rule.tokens > about.max_tokens)) {
    throw error(error_kind::usage, 459, "a window larger than the model allows",
                {.where = about.name,
                 .expected = "1 to " + std::to_string(about.max_tokens) + " tokens",
                 .found = std::to_string(rule.tokens)});
  }
  return rule.tokens;
}

/// A sequence's tokens, and how it runs.
struct windowed_tokens {
  token_sequence tokens = {};              ///< framing tokens included
  index_t prefix = 0;                      ///< framing tokens at the start
  index_t suffix = 0;                      ///< and at the end
  std::vector<token_window> windows = {};  ///< on the tokens between; empty: it runs whole

  [[nodiscard]] index_t frame() const { return prefix + suffix; }
};

/// Tokenises a sequence; one of more than `window` tokens gets windows (0: then it is an error when it
/// exceeds the model's limit). \throws as model::tokenize and plan_windows.
[[nodiscard]] inline windowed_tokens tokenize_windows(const model& network, const std::string& sequence,
                                                      index_t window, index_t overlap,
                                                      const std::string& where) {
  const model_description& about = network.describe();
  windowed_tokens result;
  if (window == 0 || !about.tokens || sequence.empty()) {
    result.tokens = network.tokenize(sequence, where);
    return result;
  }
  result.tokens = about.tokens->encode(sequence, where);
  const token_sequence& tokens = result.tokens;
  check_tokens(tokens.ids, about.vocabulary(), 0, where);
  const index_t size = tokens.size();
  const auto frames = [&](index_t i) {
    return tokens.begin[static_cast<std::size_t>(i)] == tokens.end[static_cast<std::size_t>(i)];
  };
  while (result.prefix < size && frames(result.prefix)) ++result.prefix;
  while (result.prefix + result.suffix < size && frames(size - 1 - result.suffix)) ++result.suffix;
  if (size > window) {
    auto windows = plan_windows(size - result.frame(), window - result.frame(), overlap);
    if (windows.size() > 1) result.windows = std::move(windows);
  }
  return result;
}

}  // namespace detail
DNALM_END_NAMESPACE
