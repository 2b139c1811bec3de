// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the model of a tokenizer.json: byte pair encoding, word pieces, whole words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/json_parts.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>
#include <dnalm/tokenize/detail/vocabulary_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The model: its kind, what it does, its merges.
class model_reader {
 public:
  model_reader(const json_parts& parts, const vocabulary_reader& vocabulary, tokenizer_definition& result)
      : parts_(parts), vocabulary_(vocabulary), result_(result) {}

  /// Files of old versions name no type; then the parts tell.
  void read(const io::json& model) {
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

 private:
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
      const auto [left, right] = read_pair(entry, what);
      const std::int32_t left_id = vocabulary_.model_id_of(left, what);
      const std::int32_t right_id = vocabulary_.model_id_of(right, what);
      if (left_id == result_.unk || right_id == result_.unk) {
        parts_.unsupported("model.merges", "none with the unknown token", what);
      }
      result_.merges.push_back({left_id, right_id, vocabulary_.model_id_of(left + right, what)});
    }
  }

  /// "left right", or ["left", "right"].
  [[nodiscard]] std::pair<std::string, std::string> read_pair(const io::json& entry,
                                                              const std::string& what) const {
    if (entry.is_string()) {
      const auto text = entry.get<std::string>();
      const std::size_t blank = text.find(' ');
      if (blank == std::string::npos || text.find(' ', blank + 1) != std::string::npos) {
        parts_.fail(what, "two tokens with one blank between", "\"" + text.substr(0, 60) + "\"");
      }
      return {text.substr(0, blank), text.substr(blank + 1)};
    }
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_string()) {
      parts_.fail(what, "a text or an array of two texts");
    }
    return {entry[0].get<std::string>(), entry[1].get<std::string>()};
  }

  const json_parts& parts_;
  const vocabulary_reader& vocabulary_;
  tokenizer_definition& result_;
};

}  // namespace detail
DNALM_END_NAMESPACE
