// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the normalizers of a tokenizer.json.
#pragma once

#include <string>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/json_parts.hpp>
#include <dnalm/tokenize/detail/pattern_reader.hpp>
#include <dnalm/tokenize/detail/text_normalizer.hpp>
#include <dnalm/tokenize/detail/tokenizer_definition.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Normalizers: a list of steps.
class normalizer_reader {
 public:
  normalizer_reader(const json_parts& parts, tokenizer_definition& result) : parts_(parts), result_(result) {}

  void read(const io::json& component) {
    const std::string type = json_parts::type_of(component);
    auto& steps = result_.normalizer.steps;
    parts_.check_room(steps.size(), "normalizer");
    using kind = normalizer_step::kind;
    if (type == "Sequence") {
      for (const io::json& inner : parts_.steps(component, "normalizers")) read(inner);
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
      result_.know_ascii_only(type);
    } else {
      parts_.unsupported(
          "normalizer",
          "Sequence, Strip, Replace, Lowercase, Prepend, NFC, NFD, NFKC, NFKD, StripAccents or "
          "BertNormalizer",
          type);
    }
  }

 private:
  [[nodiscard]] std::string content(const io::json& component, const char* key) const {
    std::string text = parts_.text(component, key);
    if (!json_parts::is_ascii(text)) parts_.unsupported(key, "ASCII letters", text.substr(0, 60));
    if (text.size() > text_pattern::most_letters) {
      parts_.unsupported(key, "at most 1024 letters", std::to_string(text.size()));
    }
    return text;
  }

  void read_replace(const io::json& component) {
    normalizer_step step{.what = normalizer_step::kind::replace, .name = "Replace"};
    step.pattern = read_pattern(parts_.part(component, "pattern"), parts_);
    step.content = content(component, "content");
    if (step.pattern.ascii_only) result_.know_ascii_only(step.name);
    result_.normalizer.steps.push_back(std::move(step));
  }

  /// What BertNormalizer does to Chinese letters and accents concerns no ASCII text.
  void read_bert(const io::json& component) {
    using kind = normalizer_step::kind;
    result_.know_ascii_only("BertNormalizer");
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

}  // namespace detail
DNALM_END_NAMESPACE
