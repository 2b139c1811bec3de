// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the vocabulary of a tokenizer.json: tokens of the model, then added tokens.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/added_tokens.hpp>
#include <dnalm/tokenize/detail/json_parts.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The vocabulary: tokens of the model, then added tokens.
class vocabulary_reader {
 public:
  vocabulary_reader(const json_parts& parts, tokenizer_definition& result) : parts_(parts), result_(result) {}

  void read(const io::json& vocabulary, const io::json& document) {
    if (!vocabulary.is_object() || vocabulary.empty()) parts_.fail("\"vocab\"", "an object with tokens");
    const bool has_added = json_parts::is_set(document, "added_tokens");
    if (has_added && !document.at("added_tokens").is_array()) parts_.fail("\"added_tokens\"", "an array");
    limit_ = vocabulary.size() + (has_added ? document.at("added_tokens").size() : 0);
    for (const auto& [token, id] : vocabulary.items()) {
      if (!json_parts::is_ascii(token)) parts_.unsupported("model.vocab", "ASCII tokens", token);
      if (token.empty()) parts_.fail("\"vocab\"", "tokens with a text", "an empty one");
      add(token, number_of(id, token));
    }
    result_.known = taken_;
    if (has_added) {
      for (const io::json& entry : document.at("added_tokens")) read_added(entry);
    }
    result_.known.resize(taken_.size(), false);
    const auto gap = std::find(taken_.begin(), taken_.end(), false);
    if (gap != taken_.end()) {
      parts_.fail("\"vocab\"", "numbers without gaps",
                  "no token with number " + std::to_string(gap - taken_.begin()));
    }
  }

  [[nodiscard]] std::int32_t id_of(const std::string& token, const std::string& what) const {
    const auto found = ids_.find(token);
    if (found == ids_.end()) parts_.fail(what, "tokens of the vocabulary", "\"" + token.substr(0, 60) + "\"");
    return found->second;
  }
  /// Number of a token of the model itself.
  [[nodiscard]] std::int32_t model_id_of(const std::string& token, const std::string& what) const {
    const std::int32_t id = id_of(token, what);
    if (!result_.known[static_cast<std::size_t>(id)]) {
      parts_.fail(what, "tokens of the model's vocabulary", "\"" + token.substr(0, 60) + "\"");
    }
    return id;
  }
  /// A number that some token has.
  [[nodiscard]] std::int32_t check(std::int32_t id, const std::string& token) const {
    if (static_cast<std::size_t>(id) >= result_.tokens.size()) {
      parts_.fail("token \"" + token.substr(0, 60) + "\" of the post-processor", "a number of the vocabulary",
                  std::to_string(id));
    }
    return id;
  }
  [[nodiscard]] std::int32_t number_of(const io::json& value, const std::string& token) const {
    return parts_.number(value, "the number of token \"" + token.substr(0, 60) + "\"");
  }

 private:
  static constexpr std::size_t longest_added = 256;

  void add(const std::string& token, std::int32_t id) {
    const auto at = static_cast<std::size_t>(id);
    const std::string what = "the number of token \"" + token.substr(0, 60) + "\"";
    if (at >= limit_) parts_.fail(what, "numbers without gaps", std::to_string(id));
    if (at >= result_.tokens.size()) {
      result_.tokens.resize(at + 1);
      taken_.resize(at + 1, false);
    }
    if (taken_[at]) parts_.fail(what, "one token a number", std::to_string(id) + " twice");
    taken_[at] = true;
    result_.tokens[at] = token;
    ids_.emplace(token, id);
  }

  void read_added(const io::json& entry) {
    added_token token;
    token.text = parts_.text(entry, "content");
    const std::string name = "\"" + token.text.substr(0, 60) + "\"";
    if (token.text.empty()) parts_.fail("an added token", "a text as \"content\"");
    if (token.text.size() > longest_added) {
      parts_.unsupported("added_tokens", "at most 256 bytes", std::to_string(token.text.size()));
    }
    if (!json_parts::is_ascii(token.text)) parts_.unsupported("added_tokens", "ASCII tokens", name);
    token.single_word = parts_.flag(entry, "single_word", false);
    token.lstrip = parts_.flag(entry, "lstrip", false);
    token.rstrip = parts_.flag(entry, "rstrip", false);
    token.normalized = parts_.flag(entry, "normalized", !parts_.flag(entry, "special", false));
    token.id = number_of(parts_.part(entry, "id"), token.text);
    const auto known = ids_.find(token.text);
    if (known == ids_.end()) {
      add(token.text, token.id);
    } else if (known->second != token.id) {
      parts_.fail("the number of added token " + name, std::to_string(known->second),
                  std::to_string(token.id));
    }
    if (listed_.insert(token.id).second) result_.added.push_back(std::move(token));
  }

  const json_parts& parts_;
  tokenizer_definition& result_;
  std::size_t limit_ = 0;
  std::vector<bool> taken_;
  std::set<std::int32_t> listed_;
  std::unordered_map<std::string, std::int32_t> ids_;
};

}  // namespace detail
DNALM_END_NAMESPACE
