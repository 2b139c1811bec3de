// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/bpe_definition.hpp.
#pragma once

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Reads one tokenizer.json; a component that would change the result and is not built in is an error.
class bpe_definition_reader {
 public:
  bpe_definition_reader(const io::json& document, std::string where)
      : document_(document), where_(std::move(where)) {}

  [[nodiscard]] bpe_definition read() {
    if (!document_.is_object()) fail("the document", "a JSON object");
    check_top_level();
    const io::json& model = part(document_, "model");
    check_model(model);
    read_vocabulary(part(model, "vocab"));
    read_added_tokens();
    read_unk(model);
    read_merges(part(model, "merges"));
    read_pre_tokenizer();
    read_post_processor();
    return std::move(result_);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& expected,
                         const std::string& found = {}) const {
    throw error(error_kind::config, 321, what + " of a tokenizer is missing or wrong",
                {.where = where_, .expected = expected, .found = found});
  }
  [[noreturn]] void unsupported(const std::string& component, const std::string& expected,
                                const std::string& found) const {
    throw error(error_kind::unsupported, 320, "a tokenizer component is not built in: " + component,
                {.where = where_, .expected = expected, .found = found});
  }
  [[nodiscard]] const io::json& part(const io::json& object, const char* key) const {
    if (!object.is_object() || !object.contains(key)) fail(std::string("\"") + key + "\"", "to be there");
    return object.at(key);
  }
  [[nodiscard]] static bool is_set(const io::json& object, const char* key) {
    return object.contains(key) && !object.at(key).is_null();
  }
  /// Name of a component: its `type`, or its text.
  [[nodiscard]] static std::string type_of(const io::json& component) {
    if (component.is_object() && component.contains("type") && component.at("type").is_string()) {
      return component.at("type").get<std::string>();
    }
    return component.dump().substr(0, 60);
  }

  void check_top_level() const {
    static const std::set<std::string> known = {"version",        "truncation", "padding",
                                                "added_tokens",   "normalizer", "pre_tokenizer",
                                                "post_processor", "decoder",    "model"};
    for (const auto& [key, value] : document_.items()) {
      if (!known.contains(key) && !value.is_null()) unsupported(key, "none", type_of(value));
    }
    if (is_set(document_, "normalizer"))
      unsupported("normalizer", "null", type_of(document_.at("normalizer")));
  }

  void check_model(const io::json& model) const {
    if (!model.is_object()) fail("\"model\"", "a JSON object");
    if (is_set(model, "type") && model.at("type") != "BPE") unsupported("model", "BPE", type_of(model));
    if (is_set(model, "dropout") && model.at("dropout") != 0) {
      unsupported("model.dropout", "null", model.at("dropout").dump().substr(0, 60));
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (is_set(model, key) && model.at(key) != "") {
        unsupported(std::string("model.") + key, "null", model.at(key).dump().substr(0, 60));
      }
    }
    for (const char* key : {"fuse_unk", "byte_fallback", "ignore_merges"}) {
      if (is_set(model, key) && model.at(key) != false) {
        unsupported(std::string("model.") + key, "false", model.at(key).dump().substr(0, 60));
      }
    }
  }

  [[nodiscard]] std::int32_t read_id(const io::json& value, const std::string& token) const {
    const bool fits = value.is_number_integer() && value.get<double>() >= 0 && value.get<double>() < 0x1p26;
    if (!fits)
      fail("the number of token \"" + token + "\"", "a whole number below 2^26", value.dump().substr(0, 60));
    return value.get<std::int32_t>();
  }

  void add_token(const std::string& token, std::int32_t id, std::size_t limit) {
    const auto at = static_cast<std::size_t>(id);
    if (at >= limit)
      fail("the number of token \"" + token + "\"", "numbers without gaps", std::to_string(id));
    if (at >= result_.tokens.size()) {
      result_.tokens.resize(at + 1);
      taken_.resize(at + 1, false);
    }
    if (taken_[at])
      fail("the number of token \"" + token + "\"", "one token a number", std::to_string(id) + " twice");
    taken_[at] = true;
    result_.tokens[at] = token;
    ids_.emplace(token, id);
  }

  void read_vocabulary(const io::json& vocabulary) {
    if (!vocabulary.is_object() || vocabulary.empty()) fail("\"vocab\"", "an object with tokens");
    const std::size_t limit = vocabulary.size() + added_count();
    for (const auto& [token, id] : vocabulary.items()) {
      const auto beyond = [](char letter) { return static_cast<unsigned char>(letter) >= 0x80; };
      if (std::any_of(token.begin(), token.end(), beyond)) unsupported("model.vocab", "ASCII tokens", token);
      if (token.empty()) fail("\"vocab\"", "tokens with a text", "an empty one");
      add_token(token, read_id(id, token), limit);
    }
  }

  [[nodiscard]] std::size_t added_count() const {
    if (!is_set(document_, "added_tokens")) return 0;
    if (!document_.at("added_tokens").is_array()) fail("\"added_tokens\"", "an array");
    return document_.at("added_tokens").size();
  }

  void read_added_tokens() {
    const std::size_t limit = ids_.size() + added_count();
    if (added_count() > 0) {
      for (const io::json& entry : document_.at("added_tokens")) read_added_token(entry, limit);
    }
    const auto gap = std::find(taken_.begin(), taken_.end(), false);
    if (gap != taken_.end()) {
      fail("\"vocab\"", "numbers without gaps",
           "no token with number " + std::to_string(gap - taken_.begin()));
    }
  }

  void read_added_token(const io::json& entry, std::size_t limit) {
    const io::json& content = part(entry, "content");
    if (!content.is_string() || content == "") fail("an added token", "a text as \"content\"");
    const auto token = content.get<std::string>();
    for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) {
      if (is_set(entry, flag) && entry.at(flag) != false) {
        unsupported(std::string("added_tokens.") + flag, "false", "true for \"" + token + "\"");
      }
    }
    const std::int32_t id = read_id(part(entry, "id"), token);
    const auto known = ids_.find(token);
    if (known == ids_.end()) {
      add_token(token, id, limit);
    } else if (known->second != id) {
      fail("the number of added token \"" + token + "\"", std::to_string(known->second), std::to_string(id));
    }
    if (std::find(result_.added.begin(), result_.added.end(), id) == result_.added.end())
      result_.added.push_back(id);
  }

  [[nodiscard]] std::int32_t id_of(const std::string& token, const std::string& what) const {
    const auto found = ids_.find(token);
    if (found == ids_.end()) fail(what, "tokens of the vocabulary", "\"" + token.substr(0, 60) + "\"");
    return found->second;
  }

  void read_unk(const io::json& model) {
    if (!is_set(model, "unk_token")) unsupported("model.unk_token", "a token", "null");
    if (!model.at("unk_token").is_string()) fail("\"unk_token\"", "a text");
    result_.unk = id_of(model.at("unk_token").get<std::string>(), "\"unk_token\"");
  }

  void read_merges(const io::json& merges) {
    if (!merges.is_array()) fail("\"merges\"", "an array");
    result_.merges.reserve(merges.size());
    for (const io::json& entry : merges) {
      const std::string what = "merge " + std::to_string(result_.merges.size());
      std::string left;
      std::string right;
      if (entry.is_string()) {
        const auto text = entry.get<std::string>();
        const std::size_t blank = text.find(' ');
        if (blank == std::string::npos || text.find(' ', blank + 1) != std::string::npos) {
          fail(what, "two tokens with one blank between", "\"" + text.substr(0, 60) + "\"");
        }
        left = text.substr(0, blank);
        right = text.substr(blank + 1);
      } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
        left = entry[0].get<std::string>();
        right = entry[1].get<std::string>();
      } else {
        fail(what, "a text or an array of two texts");
      }
      result_.merges.push_back({id_of(left, what), id_of(right, what), id_of(left + right, what)});
    }
  }

  void read_pre_tokenizer() {
    if (!is_set(document_, "pre_tokenizer")) return;
    const std::string type = type_of(document_.at("pre_tokenizer"));
    if (type == "Whitespace") {
      result_.words = word_splitting::whitespace;
    } else if (type == "WhitespaceSplit") {
      result_.words = word_splitting::whitespace_split;
    } else {
      unsupported("pre_tokenizer", "null, Whitespace or WhitespaceSplit", type);
    }
  }

  void read_post_processor() {
    if (!is_set(document_, "post_processor")) return;
    const io::json& processor = document_.at("post_processor");
    const std::string type = type_of(processor);
    if (type == "TemplateProcessing") {
      read_template(processor);
    } else if (type == "BertProcessing") {
      result_.prefix = {read_pair(part(processor, "cls"))};
      result_.suffix = {read_pair(part(processor, "sep"))};
    } else {
      unsupported("post_processor", "null, TemplateProcessing or BertProcessing", type);
    }
  }

  [[nodiscard]] std::int32_t read_pair(const io::json& pair) const {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string())
      fail("\"post_processor\"", "[text, number]");
    const auto token = pair[0].get<std::string>();
    return check_number(read_id(pair[1], token), token);
  }

  [[nodiscard]] std::int32_t check_number(std::int32_t id, const std::string& token) const {
    if (static_cast<std::size_t>(id) >= result_.tokens.size()) {
      fail("token \"" + token + "\" of the post-processor", "a number of the vocabulary", std::to_string(id));
    }
    return id;
  }

  /// `single`: special tokens, sequence A once, special tokens.
  void read_template(const io::json& processor) {
    const io::json& single = part(processor, "single");
    if (!single.is_array()) fail("\"single\"", "an array");
    bool seen = false;
    for (const io::json& piece : single) {
      if (piece.is_object() && piece.contains("Sequence")) {
        if (seen || part(piece.at("Sequence"), "id") != "A") fail("\"single\"", "sequence A once");
        seen = true;
      } else {
        const io::json& name = part(part(piece, "SpecialToken"), "id");
        if (!name.is_string()) fail("\"single\"", "a text as \"id\"");
        append_template(part(processor, "special_tokens"), name.get<std::string>(),
                        seen ? result_.suffix : result_.prefix);
      }
    }
    if (!seen) fail("\"single\"", "sequence A once");
  }

  void append_template(const io::json& specials, const std::string& name,
                       std::vector<std::int32_t>& ids) const {
    const io::json& numbers = part(part(specials, name.c_str()), "ids");
    if (!numbers.is_array()) fail("\"special_tokens\"", "an array as \"ids\"");
    for (const io::json& number : numbers) ids.push_back(check_number(read_id(number, name), name));
  }

  const io::json& document_;
  std::string where_;
  bpe_definition result_;
  std::vector<bool> taken_;
  std::unordered_map<std::string, std::int32_t> ids_;
};

}  // namespace detail

DNALM_INLINE bpe_definition read_bpe_definition(std::string_view json_text, const std::string& where) {
  return detail::bpe_definition_reader(io::parse_json(json_text, where), where).read();
}

DNALM_END_NAMESPACE
