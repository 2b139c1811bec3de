// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the pre-tokenizers of a tokenizer.json.
#pragma once

#include <string>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/json_parts.hpp>
#include <dnalm/tokenize/detail/pattern_reader.hpp>
#include <dnalm/tokenize/detail/text_pattern.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>
#include <dnalm/tokenize/detail/word_splitter.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Pre-tokenizers: a list of steps.
class splitter_reader {
 public:
  splitter_reader(const json_parts& parts, tokenizer_definition& result) : parts_(parts), result_(result) {}

  void read(const io::json& component) {
    const std::string type = json_parts::type_of(component);
    parts_.check_room(result_.splitter.steps.size(), "pre_tokenizer");
    if (type == "Sequence") {
      for (const io::json& inner : parts_.steps(component, "pretokenizers")) read(inner);
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
      add_split({read_pattern(parts_.part(component, "pattern"), parts_), behavior(component),
                 parts_.flag(component, "invert", false), type});
    } else {
      parts_.unsupported(
          "pre_tokenizer",
          "Sequence, Split, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation or Digits", type);
    }
  }

 private:
  /// A pattern of classes of which letters beyond ASCII are not known.
  [[nodiscard]] static text_pattern classes(const character_class& letters, bool runs) {
    text_pattern result = text_pattern::any_of(letters, runs);
    result.ascii_only = true;
    return result;
  }

  void add_split(splitter_step step) {
    if (step.pattern.ascii_only) result_.know_ascii_only(step.name);
    result_.splitter.steps.push_back(std::move(step));
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

  const json_parts& parts_;
  tokenizer_definition& result_;
};

}  // namespace detail
DNALM_END_NAMESPACE
