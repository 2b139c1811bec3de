// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Whether a tokenizer.json is one of single letters or of overlapping k-mers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A member of an object, null where there is none.
[[nodiscard]] inline const io::json& json_member(const io::json& object, const char* key) {
  static const io::json none;
  return object.is_object() && object.contains(key) ? object.at(key) : none;
}

[[nodiscard]] inline bool json_is(const io::json& value, std::string_view text) {
  return value.is_string() && value.get_ref<const std::string&>() == text;
}

/// Tokens by number of `model.vocab`; empty when the numbers have gaps or anything is not as it should be:
/// then the general reader says what is wrong.
[[nodiscard]] inline std::vector<std::string> json_vocabulary(const io::json& document) {
  const io::json& vocabulary = json_member(json_member(document, "model"), "vocab");
  if (!vocabulary.is_object()) return {};
  std::vector<std::string> tokens(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= tokens.size() || token.empty()) return {};
    tokens[id.get<std::size_t>()] = token;
  }
  const bool has_gap = std::any_of(tokens.begin(), tokens.end(), [](const auto& t) { return t.empty(); });
  return has_gap ? std::vector<std::string>{} : tokens;
}

/// Whether words are tokens or pieces of words, framed by CLS and SEP: BERT's format.
[[nodiscard]] inline bool is_bert_json(const io::json& document) {
  const io::json& type = json_member(json_member(document, "model"), "type");
  const io::json& frame = json_member(json_member(document, "post_processor"), "type");
  return (json_is(type, "WordPiece") || json_is(type, "WordLevel")) &&
         (json_is(frame, "TemplateProcessing") || json_is(frame, "BertProcessing"));
}

/// Whether text is lower-cased and each letter a token: byte pair encoding without a merge, as GPN has it.
[[nodiscard]] inline bool is_gpn_json(const io::json& document) {
  const auto says_nothing = [](const io::json& value) {
    return value.is_null() || value == false || json_is(value, "");
  };
  const io::json& model = json_member(document, "model");
  for (const char* key : {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
                          "byte_fallback", "ignore_merges"}) {
    if (!says_nothing(json_member(model, key))) return false;
  }
  const io::json& added = json_member(document, "added_tokens");
  const auto is_plain = [&](const io::json& token) {
    return says_nothing(json_member(token, "lstrip")) && says_nothing(json_member(token, "rstrip")) &&
           says_nothing(json_member(token, "single_word")) &&
           says_nothing(json_member(token, "normalized")) && json_member(token, "content").is_string();
  };
  const io::json& merges = json_member(model, "merges");
  return json_is(json_member(model, "type"), "BPE") && merges.is_array() && merges.empty() &&
         json_member(model, "unk_token").is_string() && json_member(document, "post_processor").is_null() &&
         json_is(json_member(json_member(document, "normalizer"), "type"), "Lowercase") &&
         json_is(json_member(json_member(document, "pre_tokenizer"), "type"), "Whitespace") &&
         added.is_array() && std::all_of(added.begin(), added.end(), is_plain);
}

}  // namespace detail
DNALM_END_NAMESPACE
