// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads a tokenizer.json; a component that would change the result and is not built in is an error.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/pattern_reader.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Access to the parts of a document, and the errors that name them.
class json_parts {
 public:
  explicit json_parts(std::string where) : where_(std::move(where)) {}

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
    return object.is_object() && object.contains(key) && !object.at(key).is_null();
  }
  /// A value for messages, shortened.
  [[nodiscard]] static std::string shown(const io::json& value) {
    if (value.is_structured() && value.size() > 8) return value.is_object() ? "an object" : "an array";
    return value.dump(-1, ' ', true, io::json::error_handler_t::replace).substr(0, 60);
  }
  /// Name of a component: its `type`, or its text.
  [[nodiscard]] static std::string type_of(const io::json& component) {
    if (is_set(component, "type") && component.at("type").is_string()) {
      return component.at("type").get<std::string>().substr(0, 60);
    }
    return shown(component);
  }
  [[nodiscard]] bool flag(const io::json& object, const char* key, bool otherwise) const {
    if (!is_set(object, key)) return otherwise;
    if (!object.at(key).is_boolean())
      fail(std::string("\"") + key + "\"", "true or false", shown(object.at(key)));
    return object.at(key).get<bool>();
  }
  [[nodiscard]] std::string text(const io::json& object, const char* key) const {
    const io::json& value = part(object, key);
    if (!value.is_string()) fail(std::string("\"") + key + "\"", "a text", shown(value));
    return value.get<std::string>();
  }
  [[nodiscard]] std::int32_t number(const io::json& value, const std::string& what) const {
    const bool fits = value.is_number_integer() && value.get<double>() >= 0 && value.get<double>() < 0x1p26;
    if (!fits) fail(what, "a whole number below 2^26", shown(value));
    return value.get<std::int32_t>();
  }
  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  std::string where_;
};

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
      if (!is_ascii(token)) parts_.unsupported("model.vocab", "ASCII tokens", token);
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
  [[nodiscard]] static bool is_ascii(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
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
    if (!is_ascii(token.text)) parts_.unsupported("added_tokens", "ASCII tokens", name);
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

/// Normalizers and pre-tokenizers: lists of steps.
class component_reader {
 public:
  component_reader(const json_parts& parts, tokenizer_definition& result) : parts_(parts), result_(result) {}

  void read_normalizer(const io::json& component) {
    const std::string type = json_parts::type_of(component);
    auto& steps = result_.normalizer.steps;
    if (steps.size() >= most_steps) parts_.unsupported("normalizer", "at most 64 steps", "more");
    using kind = normalizer_step::kind;
    if (type == "Sequence") {
      for (const io::json& inner : list(component, "normalizers")) read_normalizer(inner);
    } else if (type == "Strip") {
      steps.push_back({.what = kind::strip,
                       .name = type,
                       .left = parts_.flag(component, "strip_left", true),
                       .right = parts_.flag(component, "strip_right", true)});
    } else if (type == "Replace") {
      read_replace(component);
    } else if (type == "Lowercase") {
      steps.push_back({.what = kind::lower_case, .name = type});
    } else if (type == "Prepend") {
      steps.push_back({.what = kind::prepend, .name = type, .content = content(component, "prepend")});
      if (steps.back().content.empty()) steps.pop_back();
    } else if (type == "BertNormalizer") {
      read_bert(component);
    } else if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD" || type == "StripAccents") {
      steps.push_back({.what = kind::ascii_only, .name = type});
      know_ascii_only(type);
    } else {
      parts_.unsupported(
          "normalizer",
          "Sequence, Strip, Replace, Lowercase, Prepend, NFC, NFD, NFKC, NFKD, StripAccents or "
          "BertNormalizer",
          type);
    }
  }

  void read_pre_tokenizer(const io::json& component) {
    const std::string type = json_parts::type_of(component);
    if (result_.splitter.steps.size() >= most_steps)
      parts_.unsupported("pre_tokenizer", "at most 64 steps", "more");
    if (type == "Sequence") {
      for (const io::json& inner : list(component, "pretokenizers")) read_pre_tokenizer(inner);
      return;
    }
    result_.splitter_names.push_back(type);
    const character_class space = character_class::space();
    if (type == "Whitespace") {
      add_split({read_regex("\\w+|[^\\w\\s]+", parts_), split_behavior::removed, true, type});
    } else if (type == "WhitespaceSplit") {
      add_split({text_pattern::any_of(space, true), split_behavior::removed, false, type});
    } else if (type == "BertPreTokenizer") {
      add_split({text_pattern::any_of(space, true), split_behavior::removed, false, type});
      add_split({classes(character_class::punctuation(), false), split_behavior::isolated, false, type});
    } else if (type == "Punctuation") {
      const split_behavior how =
          json_parts::is_set(component, "behavior") ? behavior(component) : split_behavior::isolated;
      add_split({classes(character_class::punctuation(), false), how, false, type});
    } else if (type == "Digits") {
      const bool single = parts_.flag(component, "individual_digits", false);
      add_split({classes(character_class::digit(), false),
                 single ? split_behavior::isolated : split_behavior::contiguous, false, type});
    } else if (type == "Split") {
      add_split({pattern(component), behavior(component), parts_.flag(component, "invert", false), type});
    } else {
      parts_.unsupported(
          "pre_tokenizer",
          "Sequence, Split, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation or Digits", type);
    }
  }

  /// Remembers the first component that does not know letters beyond ASCII.
  void know_ascii_only(const std::string& name) {
    if (result_.ascii_only.empty()) result_.ascii_only = name;
  }

 private:
  static constexpr std::size_t most_steps = 64;

  [[nodiscard]] const io::json& list(const io::json& component, const char* key) const {
    const io::json& steps = parts_.part(component, key);
    if (!steps.is_array()) parts_.fail(std::string("\"") + key + "\"", "an array");
    if (steps.size() > most_steps) parts_.unsupported(key, "at most 64 steps", std::to_string(steps.size()));
    return steps;
  }

  /// A pattern of classes of which letters beyond ASCII are not known.
  [[nodiscard]] static text_pattern classes(const character_class& letters, bool runs) {
    text_pattern result = text_pattern::any_of(letters, runs);
    result.ascii_only = true;
    return result;
  }

  void add_split(splitter_step step) {
    if (step.pattern.ascii_only) know_ascii_only(step.name);
    result_.splitter.steps.push_back(std::move(step));
  }

  [[nodiscard]] text_pattern pattern(const io::json& component) const {
    const io::json& found = parts_.part(component, "pattern");
    if (json_parts::is_set(found, "String")) return read_literal(parts_.text(found, "String"), parts_);
    if (json_parts::is_set(found, "Regex")) return read_regex(parts_.text(found, "Regex"), parts_);
    parts_.fail("\"pattern\"", "\"String\" or \"Regex\"", json_parts::shown(found));
  }

  [[nodiscard]] split_behavior behavior(const io::json& component) const {
    const std::string name = parts_.text(component, "behavior");
    if (name == "Removed") return split_behavior::removed;
    if (name == "Isolated") return split_behavior::isolated;
    if (name == "MergedWithPrevious") return split_behavior::merged_with_previous;
    if (name == "MergedWithNext") return split_behavior::merged_with_next;
    if (name == "Contiguous") return split_behavior::contiguous;
    parts_.unsupported("pre_tokenizer.behavior",
                       "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous",
                       name.substr(0, 60));
  }

  [[nodiscard]] std::string content(const io::json& component, const char* key) const {
    std::string text = parts_.text(component, key);
    if (!vocabulary_reader::is_ascii(text)) parts_.unsupported(key, "ASCII letters", text.substr(0, 60));
    if (text.size() > text_pattern::most_letters) {
      parts_.unsupported(key, "at most 1024 letters", std::to_string(text.size()));
    }
    return text;
  }

  void read_replace(const io::json& component) {
    normalizer_step step{.what = normalizer_step::kind::replace, .name = "Replace"};
    step.pattern = pattern(component);
    step.content = content(component, "content");
    if (step.pattern.ascii_only) know_ascii_only(step.name);
    result_.normalizer.steps.push_back(std::move(step));
  }

  /// What BertNormalizer does to Chinese letters and accents concerns no ASCII text.
  void read_bert(const io::json& component) {
    using kind = normalizer_step::kind;
    know_ascii_only("BertNormalizer");
    auto& steps = result_.normalizer.steps;
    steps.push_back({.what = kind::ascii_only, .name = "BertNormalizer"});
    if (parts_.flag(component, "clean_text", true))
      steps.push_back({.what = kind::clean, .name = "BertNormalizer"});
    static_cast<void>(parts_.flag(component, "handle_chinese_chars", true));
    static_cast<void>(parts_.flag(component, "strip_accents", false));
    if (parts_.flag(component, "lowercase", true)) {
      steps.push_back({.what = kind::lower_case, .name = "BertNormalizer"});
    }
  }

  const json_parts& parts_;
  tokenizer_definition& result_;
};

/// Post-processors: what stands before and behind every sequence.
class frame_reader {
 public:
  frame_reader(const json_parts& parts, const vocabulary_reader& vocabulary, tokenizer_definition& result)
      : parts_(parts), vocabulary_(vocabulary), result_(result) {}

  void read(const io::json& processor) {
    const std::string type = json_parts::type_of(processor);
    if (type == "Sequence") {
      const io::json& steps = parts_.part(processor, "processors");
      if (!steps.is_array()) parts_.fail("\"processors\"", "an array");
      for (const io::json& step : steps) read(step);
      return;
    }
    result_.processor_names.push_back(type);
    std::vector<std::int32_t> before;
    std::vector<std::int32_t> behind;
    if (type == "TemplateProcessing") {
      read_template(processor, before, behind);
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      before = {read_pair(parts_.part(processor, "cls"))};
      behind = {read_pair(parts_.part(processor, "sep"))};
      if (type == "RobertaProcessing") check_trimming(processor);
    } else {
      parts_.unsupported("post_processor",
                         "Sequence, TemplateProcessing, BertProcessing or RobertaProcessing", type);
    }
    result_.prefix.insert(result_.prefix.begin(), before.begin(), before.end());
    result_.suffix.insert(result_.suffix.end(), behind.begin(), behind.end());
  }

 private:
  /// Offsets are trimmed only in tokens with white space; then it must be off.
  void check_trimming(const io::json& processor) const {
    if (!parts_.flag(processor, "trim_offsets", true)) return;
    const auto has_space = [](const std::string& token) {
      return token.find_first_of(" \t\n\v\f\r") != std::string::npos;
    };
    const auto found = std::find_if(result_.tokens.begin(), result_.tokens.end(), has_space);
    if (found != result_.tokens.end()) {
      parts_.unsupported("post_processor.trim_offsets", "false where tokens hold white space",
                         "true, and the token " + json_parts::shown(io::json(*found)));
    }
  }

  [[nodiscard]] std::int32_t read_pair(const io::json& pair) const {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string())
      parts_.fail("\"post_processor\"", "[text, number]", json_parts::shown(pair));
    const auto token = pair[0].get<std::string>();
    return vocabulary_.check(vocabulary_.number_of(pair[1], token), token);
  }

  /// `single`: special tokens, sequence A once, special tokens.
  void read_template(const io::json& processor, std::vector<std::int32_t>& before,
                     std::vector<std::int32_t>& behind) const {
    const io::json& single = parts_.part(processor, "single");
    if (!single.is_array()) parts_.fail("\"single\"", "an array");
    bool seen = false;
    for (const io::json& piece : single) {
      if (piece.is_object() && piece.contains("Sequence")) {
        if (seen || parts_.part(piece.at("Sequence"), "id") != "A")
          parts_.fail("\"single\"", "sequence A once");
        seen = true;
      } else {
        const std::string name = parts_.text(parts_.part(piece, "SpecialToken"), "id");
        append_special(parts_.part(processor, "special_tokens"), name, seen ? behind : before);
      }
      if (before.size() + behind.size() > most_special) {
        parts_.unsupported("post_processor.single", "at most 1024 tokens", "more");
      }
    }
    if (!seen) parts_.fail("\"single\"", "sequence A once");
  }

  void append_special(const io::json& specials, const std::string& name,
                      std::vector<std::int32_t>& ids) const {
    const io::json& numbers = parts_.part(parts_.part(specials, name.c_str()), "ids");
    if (!numbers.is_array() || numbers.size() > most_special) {
      parts_.fail("\"special_tokens\"", "an array of at most 1024 numbers as \"ids\"");
    }
    for (const io::json& number : numbers) {
      ids.push_back(vocabulary_.check(vocabulary_.number_of(number, name), name));
    }
  }

  static constexpr std::size_t most_special = 1024;
  const json_parts& parts_;
  const vocabulary_reader& vocabulary_;
  tokenizer_definition& result_;
};

/// The whole document.
class tokenizer_reader {
 public:
  tokenizer_reader(const io::json& document, const std::string& where)
      : document_(document), parts_(where), vocabulary_(parts_, result_), components_(parts_, result_) {}

  [[nodiscard]] tokenizer_definition read() {
    if (!document_.is_object()) parts_.fail("the document", "a JSON object");
    check_top_level();
    const io::json& model = parts_.part(document_, "model");
    if (!model.is_object()) parts_.fail("\"model\"", "a JSON object");
    vocabulary_.read(parts_.part(model, "vocab"), document_);
    read_model(model);
    if (json_parts::is_set(document_, "normalizer")) components_.read_normalizer(document_.at("normalizer"));
    if (json_parts::is_set(document_, "pre_tokenizer"))
      components_.read_pre_tokenizer(document_.at("pre_tokenizer"));
    allow_whitespace_beyond_ascii();
    check_added_tokens();
    if (json_parts::is_set(document_, "post_processor")) {
      frame_reader(parts_, vocabulary_, result_).read(document_.at("post_processor"));
    }
    return std::move(result_);
  }

 private:
  void check_top_level() const {
    static const std::set<std::string> known = {"version",        "truncation", "padding",
                                                "added_tokens",   "normalizer", "pre_tokenizer",
                                                "post_processor", "decoder",    "model"};
    for (const auto& [key, value] : document_.items()) {
      if (!known.contains(key) && !value.is_null()) {
        parts_.unsupported(key.substr(0, 60), "none", json_parts::type_of(value));
      }
    }
  }

  /// Files of old versions name no type; then the parts tell.
  void read_model(const io::json& model) {
    std::string type = json_parts::is_set(model, "type") ? json_parts::type_of(model) : "";
    if (type.empty()) {
      type = model.contains("merges")                     ? "BPE"
             : model.contains("max_input_chars_per_word") ? "WordPiece"
                                                          : "WordLevel";
      if (type == "WordLevel" && !model.contains("unk_token")) parts_.fail("\"merges\"", "to be there");
    }
    if (type == "BPE") {
      read_bpe(model);
    } else if (type == "WordLevel") {
      result_.model = subword_kind::word_level;
      read_unk(model);
    } else if (type == "WordPiece") {
      read_word_piece(model);
    } else {
      parts_.unsupported("model", "BPE, WordLevel or WordPiece", type);
    }
  }

  void read_unk(const io::json& model) {
    if (!json_parts::is_set(model, "unk_token")) parts_.unsupported("model.unk_token", "a token", "null");
    result_.unk = vocabulary_.model_id_of(parts_.text(model, "unk_token"), "\"unk_token\"");
  }

  void read_word_piece(const io::json& model) {
    result_.model = subword_kind::word_piece;
    read_unk(model);
    result_.inner_prefix = parts_.text(model, "continuing_subword_prefix");
    constexpr std::size_t longest = 256;  // a search looks this far at every letter
    for (const std::string& token : result_.tokens) {
      if (token.size() <= longest) continue;
      parts_.unsupported("model.vocab", "word pieces of at most 256 letters", token.substr(0, 60));
    }
    if (json_parts::is_set(model, "max_input_chars_per_word")) {
      result_.longest_word = static_cast<std::size_t>(
          parts_.number(model.at("max_input_chars_per_word"), "\"max_input_chars_per_word\""));
    }
  }

  void read_bpe(const io::json& model) {
    result_.model = subword_kind::bpe;
    if (json_parts::is_set(model, "dropout") && model.at("dropout") != 0) {
      parts_.unsupported("model.dropout", "null", json_parts::shown(model.at("dropout")));
    }
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (json_parts::is_set(model, key) && model.at(key) != "") {
        parts_.unsupported(std::string("model.") + key, "null", json_parts::shown(model.at(key)));
      }
    }
    if (parts_.flag(model, "byte_fallback", false))
      parts_.unsupported("model.byte_fallback", "false", "true");
    result_.fuse_unk = parts_.flag(model, "fuse_unk", false);
    result_.ignore_merges = parts_.flag(model, "ignore_merges", false);
    read_unk(model);
    read_merges(parts_.part(model, "merges"));
  }

  void read_merges(const io::json& merges) {
    if (!merges.is_array()) parts_.fail("\"merges\"", "an array");
    result_.merges.reserve(merges.size());
    for (const io::json& entry : merges) {
      const std::string what = "merge " + std::to_string(result_.merges.size());
      std::string left;
      std::string right;
      if (entry.is_string()) {
        const auto text = entry.get<std::string>();
        const std::size_t blank = text.find(' ');
        if (blank == std::string::npos || text.find(' ', blank + 1) != std::string::npos) {
          parts_.fail(what, "two tokens with one blank between", "\"" + text.substr(0, 60) + "\"");
        }
        left = text.substr(0, blank);
        right = text.substr(blank + 1);
      } else if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
        left = entry[0].get<std::string>();
        right = entry[1].get<std::string>();
      } else {
        parts_.fail(what, "a text or an array of two texts");
      }
      const std::int32_t left_id = vocabulary_.model_id_of(left, what);
      const std::int32_t right_id = vocabulary_.model_id_of(right, what);
      if (left_id == result_.unk || right_id == result_.unk) {
        parts_.unsupported("model.merges", "none with the unknown token", what);
      }
      result_.merges.push_back({left_id, right_id, vocabulary_.model_id_of(left + right, what)});
    }
  }

  /// Where every letter that is no token becomes one UNK, it does not matter between which of them words end.
  void allow_whitespace_beyond_ascii() {
    const bool alone = result_.splitter_names.size() == 1 && result_.splitter_names[0] == "Whitespace";
    const bool one_unk_each =
        result_.model == subword_kind::bpe && !result_.fuse_unk && !result_.ignore_merges;
    if (alone && one_unk_each && result_.ascii_only == "Whitespace") result_.ascii_only.clear();
  }

  /// Stripped white space must belong to one token only, or a text of blanks would be read again and again.
  void check_added_tokens() {
    bool strips = false;
    bool spaces = false;
    for (const added_token& token : result_.added) {
      strips = strips || token.lstrip || token.rstrip;
      spaces = spaces || token.text.find_first_of(" \t\n\v\f\r") != std::string::npos;
      if (token.single_word) components_.know_ascii_only("added_tokens.single_word");
    }
    if (strips && spaces) {
      parts_.unsupported("added_tokens.lstrip and rstrip", "false where added tokens hold white space",
                         "true");
    }
  }

  const io::json& document_;
  json_parts parts_;
  tokenizer_definition result_;
  vocabulary_reader vocabulary_;
  component_reader components_;
};

}  // namespace detail
DNALM_END_NAMESPACE
