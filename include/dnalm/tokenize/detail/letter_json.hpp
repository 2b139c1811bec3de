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

/// Whether the frame of one sequence is [CLS] A [SEP].
[[nodiscard]] inline bool is_bert_frame(const io::json& processor) {
  const io::json& single = json_member(processor, "single");
  if (!json_is(json_member(processor, "type"), "TemplateProcessing") || !single.is_array()) return false;
  const auto special = [&](std::size_t place, const char* text) {
    return json_is(json_member(json_member(single[place], "SpecialToken"), "id"), text);
  };
  return single.size() == 3 && special(0, "[CLS]") && special(2, "[SEP]") &&
         json_is(json_member(json_member(single[1], "Sequence"), "id"), "A");
}

/// Whether the added tokens are BERT's own, found as they stand.
[[nodiscard]] inline bool are_bert_tokens(const io::json& added) {
  const auto plain = [](const io::json& value) { return value.is_null() || value == false; };
  const auto known = [&](const io::json& token) {
    const io::json& text = json_member(token, "content");
    const bool named = json_is(text, "[PAD]") || json_is(text, "[UNK]") || json_is(text, "[CLS]") ||
                       json_is(text, "[SEP]") || json_is(text, "[MASK]");
    return named && plain(json_member(token, "lstrip")) && plain(json_member(token, "rstrip")) &&
           plain(json_member(token, "single_word")) && plain(json_member(token, "normalized"));
  };
  return added.is_null() || (added.is_array() && std::all_of(added.begin(), added.end(), known));
}

/// Whether a file is in BERT's format to the letter: its normalizer without lower-casing, its words, its
/// frame, its tokens. All others go to the general reader, which reads or names every component.
[[nodiscard]] inline bool is_bert_json(const io::json& document) {
  const io::json& type = json_member(json_member(document, "model"), "type");
  const io::json& normalizer = json_member(document, "normalizer");
  const io::json& lowercase = json_member(normalizer, "lowercase");
  return (json_is(type, "WordPiece") || json_is(type, "WordLevel")) &&
         json_is(json_member(normalizer, "type"), "BertNormalizer") && lowercase == false &&
         json_is(json_member(json_member(document, "pre_tokenizer"), "type"), "BertPreTokenizer") &&
         is_bert_frame(json_member(document, "post_processor")) &&
         are_bert_tokens(json_member(document, "added_tokens"));
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
  const io::json& unknown = json_member(model, "unk_token");
  return json_is(json_member(model, "type"), "BPE") && merges.is_array() && merges.empty() &&
         (unknown.is_string() || unknown.is_null()) && json_member(document, "post_processor").is_null() &&
         json_is(json_member(json_member(document, "normalizer"), "type"), "Lowercase") &&
         json_is(json_member(json_member(document, "pre_tokenizer"), "type"), "Whitespace") &&
         added.is_array() && std::all_of(added.begin(), added.end(), is_plain);
}

}  // namespace detail
DNALM_END_NAMESPACE
