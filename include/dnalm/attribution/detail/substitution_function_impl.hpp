// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/substitution_function.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[noreturn]] inline void throw_no_edits(const model& network, const char* expected) {
  throw error(error_kind::unsupported, 868, "the model computes every edited sequence anew",
              {.where = network.describe().name,
               .expected = expected,
               .found = std::string(network.describe().architecture_name())});
}

/// Numbers of the tokens A, C, G, T. \throws error [dnalm.unsupported.868] tokens are not single letters.
[[nodiscard]] inline std::vector<std::int32_t> letter_tokens(const model& network) {
  const token_sequence tokens = network.describe().tokens->encode("ACGT");
  std::vector<std::int32_t> ids;
  for (std::size_t t = 0; t < tokens.ids.size(); ++t) {
    if (tokens.end[t] == tokens.begin[t] + 1) ids.push_back(tokens.ids[t]);
  }
  if (ids.size() != 4) throw_no_edits(network, "a model whose tokens are single letters");
  return ids;
}

/// Substitutions as edits of tokens, one for each base; tokens before the bases stay. The sequence as it is:
/// its first token once more.
[[nodiscard]] inline std::vector<token_edit> edits_of(const model& network, const token_sequence& tokens,
                                                      std::span<const substitution> substitutions) {
  const std::vector<std::int32_t> letters = letter_tokens(network);
  index_t frame = 0;
  while (frame < tokens.size() && tokens.end[static_cast<std::size_t>(frame)] == 0) ++frame;
  std::vector<token_edit> edits;
  for (const substitution& one : substitutions) {
    if (one.letter < 0) {
      edits.push_back({0, tokens.ids.front()});
    } else {
      edits.push_back({frame + one.position, letters[static_cast<std::size_t>(one.letter)]});
    }
  }
  return edits;
}

/// Some edits on one thread.
inline void read_edits(const model& network, std::span<const std::int32_t> ids,
                       std::span<const token_edit> edits, index_t state, index_t bytes, index_t outputs,
                       const state_reader& read, std::span<double> values) {
  forward_workspace workspace;
  const index_t each = network.state_rows(state, static_cast<index_t>(ids.size()));
  const auto take = [&](index_t first, matrix_view<const float> rows) {
    read(rows, each,
         values.subspan(static_cast<std::size_t>(first * outputs),
                        static_cast<std::size_t>(rows.rows / each * outputs)));
  };
  if (network.edited_states(ids, edits, state, bytes, take, workspace)) return;
  throw_no_edits(network, "a network of layers or HyenaDNA on the CPU, or a sequence_function");
}

}  // namespace detail

DNALM_INLINE substitution_function function_of_edits(const model& network, index_t state, index_t outputs,
                                                     state_reader read, const edited_options& options) {
  const auto evaluate = [&network, state, outputs, read = std::move(read), options](
                            const std::string& sequence, std::span<const substitution> substitutions,
                            std::span<double> values) {
    const token_sequence tokens = network.tokenize(sequence);
    const std::vector<token_edit> edits = detail::edits_of(network, tokens, substitutions);
    const auto count = static_cast<index_t>(edits.size());
    const index_t parts = std::min<index_t>(thread_count(options.threads), std::max<index_t>(count, 1));
    parallel_for(parts, static_cast<int>(parts), [&](index_t part, int) {
      const index_t first = count * part / parts;
      const index_t some = count * (part + 1) / parts - first;
      detail::read_edits(
          network, tokens.ids,
          std::span(edits).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(some)), state,
          options.memory / parts, outputs, read,
          values.subspan(static_cast<std::size_t>(first * outputs),
                         static_cast<std::size_t>(some * outputs)));
    });
  };
  return {.outputs = outputs, .evaluate = evaluate};
}

DNALM_INLINE substitution_function predictions_of_edits(const model& network, const edited_options& options) {
  const index_t state = network.logits_state();
  const auto read = [](matrix_view<const float> rows, index_t rows_of_each, std::span<double> values) {
    if (rows_of_each != 1) {
      throw error(error_kind::unsupported, 869, "a prediction of several rows has no one number per output",
                  {.expected = "function_of_edits with a reader of its rows",
                   .found = std::to_string(rows_of_each) + " rows"});
    }
    for (index_t r = 0; r < rows.rows; ++r) {
      std::copy_n(rows.row_data(r), rows.columns, values.begin() + r * rows.columns);
    }
  };
  return function_of_edits(network, state, network.state_width(state), read, options);
}

DNALM_END_NAMESPACE
