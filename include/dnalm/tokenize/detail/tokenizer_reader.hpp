// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads a tokenizer.json; a component that would change the result and is not built in is an error.
#pragma once

#include <set>
#include <string>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/added_tokens.hpp>
#include <dnalm/tokenize/detail/frame_reader.hpp>
#include <dnalm/tokenize/detail/json_parts.hpp>
#include <dnalm/tokenize/detail/model_reader.hpp>
#include <dnalm/tokenize/detail/normalizer_reader.hpp>
#include <dnalm/tokenize/detail/splitter_reader.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>
#include <dnalm/tokenize/detail/vocabulary_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The whole document.
class tokenizer_reader {
 public:
  tokenizer_reader(const io::json& document, const std::string& where)
      : document_(document), parts_(where), vocabulary_(parts_, result_) {}

  [[nodiscard]] tokenizer_definition read() {
    if (!document_.is_object()) parts_.fail("the document", "a JSON object");
    check_top_level();
    const io::json& model = parts_.part(document_, "model");
    if (!model.is_object()) parts_.fail("\"model\"", "a JSON object");
    vocabulary_.read(parts_.part(model, "vocab"), document_);
    model_reader(parts_, vocabulary_, result_).read(model);
    if (json_parts::is_set(document_, "normalizer")) {
      normalizer_reader(parts_, result_).read(document_.at("normalizer"));
    }
    if (json_parts::is_set(document_, "pre_tokenizer")) {
      splitter_reader(parts_, result_).read(document_.at("pre_tokenizer"));
    }
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
      if (token.single_word) result_.know_ascii_only("added_tokens.single_word");
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
};

}  // namespace detail
DNALM_END_NAMESPACE
