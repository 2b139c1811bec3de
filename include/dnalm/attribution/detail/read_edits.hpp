// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Substitutions of a sequence as edits of tokens, run on several threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/attribution/substitution.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/models/model.hpp>

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

/// As state_reader, with the tokens of the sequence and the edits that the rows are of.
using edits_reader = std::function<void(std::span<const std::int32_t> ids, std::span<const token_edit> edits,
                                        matrix_view<const float> rows, std::span<double> values)>;

/// Some edits on one thread.
inline void read_edits(const model& network, std::span<const std::int32_t> ids,
                       std::span<const token_edit> edits, const edit_request& request, index_t rows_of_each,
                       const edits_reader& read, std::span<double> values) {
  if (edits.empty()) return;
  forward_workspace workspace;
  const std::size_t outputs = values.size() / edits.size();
  const auto take = [&](index_t first, matrix_view<const float> rows) {
    const auto begin = static_cast<std::size_t>(first);
    const auto count = static_cast<std::size_t>(rows.rows / rows_of_each);
    const std::span<double> own = values.subspan(begin * outputs, count * outputs);
    std::fill(own.begin(), own.end(), 0.0);
    read(ids, edits.subspan(begin, count), rows, own);
  };
  if (network.edited_states(ids, edits, request, take, workspace)) return;
  throw_no_edits(network, "GPN, a network of layers or HyenaDNA on the CPU, or a sequence_function");
}

/// values (substitutions, C) of a sequence, row-major: what `read` makes of the rows of `output`. \throws
/// sequence_error about sequence 0, the one that is edited.
inline void evaluate_edits(const model& network, const read_output& output, const edits_reader& read,
                           const edited_options& options, const std::string& sequence,
                           std::span<const substitution> substitutions, std::span<double> values) {
  const token_sequence tokens =
      about_sequence(0, [&](const std::string& where) { return network.tokenize(sequence, where); });
  const std::vector<token_edit> edits = edits_of(network, tokens, substitutions);
  if (edits.empty()) return;
  const index_t state = output.logits ? network.logits_state() : output.state;
  const index_t all = about_sequence(
      0, [&](const std::string& where) { return network.state_rows(state, tokens.size(), where); });
  const std::vector<index_t> rows = about_sequence(
      0, [&](const std::string&) { return output.rows ? output.rows(all) : std::vector<index_t>{}; });
  const index_t each = rows.empty() ? all : static_cast<index_t>(rows.size());
  const auto count = static_cast<index_t>(edits.size());
  const std::size_t outputs = values.size() / edits.size();
  const index_t parts = std::min<index_t>(thread_count(options.threads), count);
  const edit_request request{
      .state = output.state, .logits = output.logits, .rows = rows, .bytes = options.memory / parts};
  parallel_for(parts, static_cast<int>(parts), [&](index_t part, int) {
    const auto first = static_cast<std::size_t>(count * part / parts);
    const std::size_t some = static_cast<std::size_t>(count * (part + 1) / parts) - first;
    read_edits(network, tokens.ids, std::span(edits).subspan(first, some), request, each, read,
               values.subspan(first * outputs, some * outputs));
  });
}

}  // namespace detail
DNALM_END_NAMESPACE
