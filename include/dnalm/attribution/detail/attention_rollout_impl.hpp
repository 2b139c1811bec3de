// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/attention_rollout.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include <dnalm/attribution/attention_rollout.hpp>
#include <dnalm/attribution/detail/token_passes.hpp>
#include <dnalm/core/error.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE std::string_view to_string(rollout_reader reader) {
  return reader == rollout_reader::first_token ? "first_token" : "sequence_tokens";
}

DNALM_INLINE matrix<double> identity_rollout(index_t tokens) {
  matrix<double> result(tokens, tokens);
  for (index_t i = 0; i < tokens; ++i) result(i, i) = 1.0;
  return result;
}

DNALM_INLINE void add_to_rollout(matrix_view<const double> attention, matrix<double>& rollout) {
  const index_t tokens = rollout.rows();
  if (rollout.columns() != tokens || attention.rows != tokens || attention.columns != tokens) {
    throw error(error_kind::shape, 865, "attention that does not fit its rollout",
                {.expected = std::to_string(tokens) + " x " + std::to_string(tokens),
                 .found = std::to_string(attention.rows) + " x " + std::to_string(attention.columns)});
  }
  matrix<double> next(tokens, tokens);
  for (index_t i = 0; i < tokens; ++i) {
    double sum = 1.0;
    for (index_t j = 0; j < tokens; ++j) sum += attention(i, j);
    for (index_t j = 0; j < tokens; ++j) {
      const double share = (attention(i, j) + (i == j ? 1.0 : 0.0)) / sum;
      if (share == 0) continue;
      for (index_t k = 0; k < tokens; ++k) next(i, k) += share * rollout(j, k);
    }
  }
  rollout = std::move(next);
}

namespace detail {

/// What the reader takes from each base.
[[nodiscard]] inline std::vector<double> rolled_bases(const matrix<double>& rollout,
                                                      const token_sequence& tokens, std::size_t bases,
                                                      rollout_reader reader) {
  std::vector<double> taken(static_cast<std::size_t>(tokens.size()));
  const auto holds_bases = [&](std::size_t t) { return tokens.begin[t] < tokens.end[t]; };
  double readers = 0.0;
  for (std::size_t t = 0; t < taken.size(); ++t) {
    if (reader == rollout_reader::first_token ? t > 0 : !holds_bases(t)) continue;
    readers += 1.0;
    for (std::size_t k = 0; k < taken.size(); ++k) {
      taken[k] += rollout(static_cast<index_t>(t), static_cast<index_t>(k));
    }
  }
  std::vector<double> result(bases);
  for (std::size_t t = 0; t < taken.size(); ++t) {
    const auto letters = static_cast<double>(tokens.end[t] - tokens.begin[t]);
    for (index_t i = tokens.begin[t]; i < tokens.end[t]; ++i) {
      result[static_cast<std::size_t>(i)] += taken[t] / (readers * letters);
    }
  }
  return result;
}

[[noreturn]] inline void throw_no_attention(const model_description& about, const char* what) {
  throw error(error_kind::unsupported, 866, what,
              {.where = about.name,
               .expected = "a transformer encoder on the CPU: load_model without on_cuda",
               .found = std::string(about.architecture_name()) + " on " + about.backend});
}

/// Whether some layer of a network of layers is attention: between rows that others made of the bases.
[[nodiscard]] inline bool attends_behind_layers(const network_config& config) {
  const auto* graph = std::get_if<layer_graph>(&config);
  return graph != nullptr &&
         std::any_of(graph->nodes.begin(), graph->nodes.end(),
                     [](const layer_node& node) { return node.kind == layer_kind::relative_attention; });
}

/// \throws error [dnalm.unsupported.866] no attention, or none between tokens.
inline void check_attends_tokens(const model_description& about) {
  if (about.heads() > 0) return;
  throw_no_attention(about, attends_behind_layers(about.config)
                                ? "attention rollout of a network that attends to bins behind other layers, "
                                  "not to its tokens"
                                : "attention rollout of a network without attention");
}

}  // namespace detail

DNALM_INLINE std::vector<attention_rollout> roll_out_attention(const model& network,
                                                               std::span<const io::sequence_record> sequences,
                                                               const rollout_options& options) {
  const model_description& about = network.describe();
  detail::check_attends_tokens(about);
  std::vector<attention_rollout> results(sequences.size());
  std::vector<token_sequence> tokens(sequences.size());
  std::vector<index_t> sizes(sequences.size());
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const auto place = static_cast<index_t>(s);
    tokens[s] = detail::about_sequence(
        place, io::sequence_words(sequences[s], place),
        [&](const std::string& where) { return network.tokenize(sequences[s].sequence, where); });
    sizes[s] = tokens[s].size();
    results[s].tokens = identity_rollout(sizes[s]);
    if (options.reader != rollout_reader::first_token || tokens[s].begin[0] == tokens[s].end[0]) continue;
    throw error(error_kind::unsupported, 867, "no token stands before the bases",
                {.where = about.name, .expected = std::string(to_string(rollout_reader::sequence_tokens))});
  }
  detail::for_all_passes(
      network, sizes, {options.threads, options.memory},
      [&](index_t first, index_t count, forward_workspace& workspace) {
        std::vector<std::int32_t> ids;
        ragged_offsets offsets;
        for (index_t s = first; s < first + count; ++s) {
          const token_sequence& of = tokens[static_cast<std::size_t>(s)];
          ids.insert(ids.end(), of.ids.begin(), of.ids.end());
          offsets.append(of.size());
        }
        const auto take = [&](index_t, index_t s, matrix_view<const double> probabilities) {
          add_to_rollout(probabilities, results[static_cast<std::size_t>(first + s)].tokens);
        };
        if (!network.attention({ids, offsets}, take, workspace)) {
          detail::throw_no_attention(about, "this backend hands out no attention");
        }
      });
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    results[s].bases =
        detail::rolled_bases(results[s].tokens, tokens[s], sequences[s].sequence.size(), options.reader);
  }
  return results;
}

DNALM_END_NAMESPACE
