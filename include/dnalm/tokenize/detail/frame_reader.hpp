// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the post-processors of a tokenizer.json: what stands before and behind every sequence.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/json_parts.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>
#include <dnalm/tokenize/detail/vocabulary_reader.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Post-processors: what stands before and behind every sequence.
class frame_reader {
 public:
  frame_reader(const json_parts& parts, const vocabulary_reader& vocabulary, tokenizer_definition& result)
      : parts_(parts), vocabulary_(vocabulary), result_(result) {}

  void read(const io::json& processor) {
    const std::string type = json_parts::type_of(processor);
    parts_.check_room(result_.processor_names.size(), "post_processor");
    if (type == "Sequence") {
      for (const io::json& step : parts_.steps(processor, "processors")) read(step);
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

}  // namespace detail
DNALM_END_NAMESPACE
