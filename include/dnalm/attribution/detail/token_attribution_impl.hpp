// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/token_attribution.hpp.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include <dnalm/attribution/detail/gradient_batches.hpp>
#include <dnalm/attribution/detail/kmer_extension.hpp>
#include <dnalm/attribution/token_attribution.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Products and norms of words' rows and gradients, row by row.
inline void score_tokens(matrix_view<const float> rows, matrix_view<const float> gradient,
                         token_scores& scores) {
  scores.input_times_gradient.clear();
  scores.gradient_norm.clear();
  for (index_t t = 0; t < gradient.rows; ++t) {
    const float* g = gradient.row_data(t);
    scores.input_times_gradient.push_back(row_product(rows.row_data(t), g, gradient.columns));
    scores.gradient_norm.push_back(std::sqrt(row_product(g, g, gradient.columns)));
  }
}

}  // namespace detail

DNALM_INLINE std::vector<token_scores> token_attribution(const attribution_targets& targets,
                                                         std::span<const std::string> sequences,
                                                         const run_options& options) {
  const model& network = targets.network();
  const auto columns = static_cast<std::size_t>(targets.size());
  std::vector<token_scores> results(sequences.size() * columns);
  detail::gradient_work work;
  std::vector<token_sequence> tokens;
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    work.numbers.push_back(static_cast<index_t>(s));
    tokens.push_back(detail::about_sequence(work.numbers.back(), [&](const std::string& where) {
      return network.tokenize(sequences[s], where);
    }));
  }
  for (const token_sequence& one : tokens) work.ids.push_back(one.ids);
  work.receive = [&](std::size_t item, index_t target, matrix_view<const float> words,
                     matrix_view<const float>) {
    matrix<float> rows(words.rows, words.columns);
    network.word_rows(tokens[item].ids, rows.view());
    token_scores& scores = results[item * columns + static_cast<std::size_t>(target)];
    scores.tokens = tokens[item];
    detail::score_tokens(rows.view(), words, scores);
  };
  std::vector<double> values(results.size());
  detail::workspace_store workspaces(false);
  detail::run_gradients(targets, work, options, values, workspaces);
  for (std::size_t i = 0; i < results.size(); ++i) results[i].value = values[i];
  return results;
}

DNALM_INLINE std::vector<double> spread_over_bases(const token_sequence& tokens,
                                                   std::span<const double> scores, index_t length,
                                                   token_spread spread) {
  if (scores.size() != tokens.ids.size()) {
    throw error(error_kind::shape, 812, "scores that do not fit the tokens",
                {.expected = std::to_string(tokens.ids.size()), .found = std::to_string(scores.size())});
  }
  std::vector<double> result(static_cast<std::size_t>(checked_mul(length, 1)), 0.0);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    const index_t first = tokens.begin[t];
    const index_t last = tokens.end[t];
    if (first == last) continue;
    if (first < 0 || first > last || last > length) {
      throw error(error_kind::shape, 812, "tokens beyond the sequence",
                  {.expected = "bases up to " + std::to_string(length), .found = std::to_string(last)});
    }
    const double share =
        spread == token_spread::even ? scores[t] / static_cast<double>(last - first) : scores[t];
    for (index_t i = first; i < last; ++i) result[static_cast<std::size_t>(i)] += share;
  }
  return result;
}

DNALM_END_NAMESPACE
