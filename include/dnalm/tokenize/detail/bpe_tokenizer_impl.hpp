// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/bpe_tokenizer.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/tokenize/bpe_tokenizer.hpp>
#include <dnalm/tokenize/detail/json_tokenizer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The pattern of a way to split words, as in tokenizer.json.
[[nodiscard]] inline splitter_step splitter_of(word_splitting words) {
  splitter_step step;
  if (words == word_splitting::whitespace_split) {
    step.pattern = text_pattern::any_of(character_class::space(), true);
    return step;
  }
  character_class others = character_class::word();
  others.add(character_class::space());
  step.pattern.branches = {{{character_class::word()}, true, 1, text_pattern::unlimited},
                           {{others.inverted()}, true, 1, text_pattern::unlimited}};
  step.pattern.finish();
  step.invert = true;
  return step;
}

/// Definitions can be made in code: numbers are of the vocabulary, and a merge makes the joined text.
/// \throws error [dnalm.config.321].
inline void check_bpe_definition(const bpe_definition& definition, const std::string& where) {
  const auto require = [&](bool holds, const std::string& what) {
    if (holds) return;
    throw error(error_kind::config, 321, "parts of a tokenizer contradict each other",
                {.where = where, .expected = what});
  };
  const auto known = [&](std::int32_t id) {
    return id >= 0 && static_cast<std::size_t>(id) < definition.tokens.size();
  };
  for (const bpe_definition::merge& merge : definition.merges) {
    require(known(merge.left) && known(merge.right) && known(merge.result),
            "merges of numbers of the vocabulary");
    const auto text = [&](std::int32_t id) { return definition.tokens[static_cast<std::size_t>(id)]; };
    require(text(merge.result) == text(merge.left) + text(merge.right),
            "merges that make the two texts joined, not \"" + text(merge.result) + "\"");
  }
  for (const auto* ids : {&definition.added, &definition.prefix, &definition.suffix}) {
    for (const std::int32_t id : *ids) require(known(id), "tokens with numbers of the vocabulary");
  }
  require(definition.unk == -1 || known(definition.unk), "an unknown token of the vocabulary");
}

}  // namespace detail

DNALM_INLINE bpe_tokenizer::bpe_tokenizer(bpe_definition definition, const tokenizer_config& config,
                                          const std::string& where) {
  detail::check_bpe_definition(definition, where);
  detail::tokenizer_definition full;
  full.tokens = std::move(definition.tokens);
  full.known.assign(full.tokens.size(), true);
  full.merges = std::move(definition.merges);
  for (const std::int32_t id : definition.added) {
    full.added.push_back({.id = id, .text = detail::token_text(full.tokens, id)});
  }
  full.unk = definition.unk;
  full.prefix = std::move(definition.prefix);
  full.suffix = std::move(definition.suffix);
  if (definition.words != word_splitting::none) {
    full.splitter.steps = {detail::splitter_of(definition.words)};
  }
  inner_ = std::make_shared<detail::json_tokenizer>(std::move(full), config, where);
}

DNALM_END_NAMESPACE
