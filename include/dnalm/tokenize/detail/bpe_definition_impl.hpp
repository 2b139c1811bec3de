// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/bpe_definition.hpp.
#pragma once

#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>
#include <dnalm/tokenize/detail/tokenizer_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Refuses what bpe_definition does not hold.
inline void check_plain_bpe(const tokenizer_definition& found, const json_parts& parts) {
  if (found.model != subword_kind::bpe) parts.unsupported("model", "BPE", "another one");
  if (found.fuse_unk) parts.unsupported("model.fuse_unk", "false", "true");
  if (found.ignore_merges) parts.unsupported("model.ignore_merges", "false", "true");
  if (!found.normalizer.steps.empty()) {
    parts.unsupported("normalizer", "null", found.normalizer.steps[0].name);
  }
  for (const std::string& name : found.splitter_names) {
    if (found.splitter_names.size() == 1 && (name == "Whitespace" || name == "WhitespaceSplit")) continue;
    parts.unsupported("pre_tokenizer", "null, Whitespace or WhitespaceSplit", name);
  }
  for (const std::string& name : found.processor_names) {
    if (found.processor_names.size() == 1 && name != "RobertaProcessing") continue;
    parts.unsupported("post_processor", "null, TemplateProcessing or BertProcessing", name);
  }
  for (const added_token& token : found.added) {
    if (!token.normalized && !token.lstrip && !token.rstrip && !token.single_word) continue;
    parts.unsupported("added_tokens", "normalized, lstrip, rstrip and single_word false", token.text);
  }
}

}  // namespace detail

DNALM_INLINE bpe_definition read_bpe_definition(std::string_view json_text, const std::string& where) {
  const io::json document = io::parse_json(json_text, where);
  detail::tokenizer_definition found = detail::tokenizer_reader(document, where).read();
  detail::check_plain_bpe(found, detail::json_parts(where));
  bpe_definition result;
  result.tokens = std::move(found.tokens);
  result.merges = std::move(found.merges);
  for (const detail::added_token& token : found.added) result.added.push_back(token.id);
  result.prefix = std::move(found.prefix);
  result.suffix = std::move(found.suffix);
  result.unk = found.unk;
  if (!found.splitter_names.empty()) {
    result.words = found.splitter_names[0] == "Whitespace" ? word_splitting::whitespace
                                                           : word_splitting::whitespace_split;
  }
  return result;
}

DNALM_END_NAMESPACE
