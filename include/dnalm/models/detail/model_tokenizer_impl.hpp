// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of models/model_tokenizer.hpp.
#pragma once

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include <dnalm/models/model_tokenizer.hpp>
#include <dnalm/tokenize/nucleotide_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE tokenizer base_tokenizer(unknown_policy policy) {
  nucleotide_rules rules;
  rules.tokens = {"A", "C", "G", "T", "N"};
  rules.special.unk = 4;
  rules.folding = case_folding::upper;
  rules.kind = "bases";
  return tokenizer(std::make_shared<const nucleotide_tokenizer>(std::move(rules), "the letters of DNA"),
                   policy);
}

DNALM_INLINE std::optional<tokenizer> load_model_tokenizer(const std::filesystem::path& folder,
                                                           const network_config& config,
                                                           unknown_policy policy) {
  if (std::holds_alternative<layer_graph>(config)) return base_tokenizer(policy);
  if (!has_tokenizer(folder)) return std::nullopt;
  tokenizer_options options;
  options.policy = policy;
  const tokenizer tokens = load_tokenizer(folder, options);
  const index_t vocabulary = summary_of(config).known_tokens();
  index_t rows = tokens.vocabulary_size();
  const special_tokens& special = tokens.special();
  std::set<int> beyond;  // one number may have several uses
  for (const int id : {special.eos, special.bos, special.cls, special.sep, special.pad, special.mask}) {
    if (id >= vocabulary) beyond.insert(id);
  }
  rows -= static_cast<index_t>(beyond.size());
  if (!summary_of(config).fits(rows)) {
    throw error(error_kind::config, 414, "the tokenizer and the model have different vocabularies",
                {.where = folder.string(),
                 .expected = std::to_string(vocabulary) + " tokens (vocab_size of config.json)",
                 .found = std::to_string(rows) + " tokens"});
  }
  return tokens;
}

namespace detail {

/// Tokens that a rotary model was made for. ESM's max_position_embeddings count two rows that no token takes.
[[nodiscard]] inline index_t rotary_limit(const encoder_config& config) {
  const bool esm = config.family == architecture::nt_v1 || config.family == architecture::nt_v2 ||
                   config.family == architecture::esm2;
  return esm ? std::max<index_t>(config.positions - 2, 0) : config.positions;
}

}  // namespace detail

DNALM_INLINE index_t token_limit(const encoder_config& config, const std::optional<tokenizer>& tokens) {
  const index_t stated = tokens ? tokens->model_max_length() : 0;
  switch (config.position) {
    case position_kind::learned:
    case position_kind::learned_pad_offset:
      return stated > 0 ? std::min(stated, config.table_limit()) : config.table_limit();
    case position_kind::rotary: return stated > 0 ? stated : detail::rotary_limit(config);
    case position_kind::none:
    case position_kind::alibi: break;
  }
  return 0;
}

DNALM_INLINE index_t token_limit(const convnet_config&, const std::optional<tokenizer>&) {
  return 0;
}

DNALM_INLINE index_t token_limit(const layer_graph& graph, const std::optional<tokenizer>&) {
  return graph.input.length;
}

DNALM_INLINE index_t token_limit(const hyena_config& config, const std::optional<tokenizer>& tokens) {
  const index_t stated = tokens ? tokens->model_max_length() : 0;
  return stated > 0 ? std::min(stated, config.table_limit()) : config.table_limit();
}

/// Nothing in the weights limits it, and the reference implementation neither.
DNALM_INLINE index_t token_limit(const caduceus_config&, const std::optional<tokenizer>&) {
  return 0;
}

DNALM_INLINE index_t token_limit(const network_config& config, const std::optional<tokenizer>& tokens) {
  return std::visit([&](const auto& kind) { return token_limit(kind, tokens); }, config);
}

DNALM_END_NAMESPACE
