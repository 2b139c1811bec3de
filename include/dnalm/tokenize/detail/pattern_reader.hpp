// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the patterns of tokenizer.json.
///
/// Regular expressions: branches separated by `|`; each a row of characters, classes and `.`, with `{n}`
/// behind any of them; or one of them alone with `+`, `{n}`, `{n,}` or `{n,m}`, n > 0. Classes: `[...]` with
/// ranges and
/// `^`, `\s \S \d \D \w \W`. Everything else is refused by name, so that no text can make a search slow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/tokenize/detail/json_parts.hpp>
#include <dnalm/tokenize/detail/text_pattern.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Reads one regular expression.
class regex_reader {
 public:
  regex_reader(std::string_view text, const json_parts& parts) : text_(text), parts_(parts) {}

  [[nodiscard]] text_pattern read() {
    if (text_.size() > text_pattern::most_letters) refuse("at most 1024 letters");
    for (const char letter : text_) {
      if (static_cast<unsigned char>(letter) >= 0x80) refuse("ASCII letters");
    }
    do {
      if (result_.branches.size() == text_pattern::most_branches) refuse("at most 8 branches");
      result_.branches.push_back(read_branch());
    } while (take('|'));
    result_.finish();
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    parts_.unsupported("the regular expression \"" + std::string(text_.substr(0, 60)) + "\"", expected,
                       "at letter " + std::to_string(at_));
  }
  [[nodiscard]] bool more() const { return at_ < text_.size(); }
  bool take(char letter) {
    if (!more() || text_[at_] != letter) return false;
    ++at_;
    return true;
  }

  [[nodiscard]] text_pattern::branch read_branch() {
    text_pattern::branch branch;
    while (more() && text_[at_] != '|') {
      if (branch.is_run) refuse("no repetition beside other parts");
      const character_class letters = read_atom();
      std::size_t least = 1;
      std::size_t most = 1;
      if (read_repetition(least, most)) {
        if (!branch.letters.empty()) refuse("no repetition beside other parts");
        branch = {{letters}, true, least, most};
      } else {
        if (branch.letters.size() + least > text_pattern::most_letters) refuse("at most 1024 letters");
        branch.letters.insert(branch.letters.end(), least, letters);
      }
    }
    if (branch.letters.empty()) refuse("a pattern that matches no empty text");
    return branch;
  }

  /// `+`, `{n,}` and `{n,m}` make a run: true; `{n}` sets `least`.
  [[nodiscard]] bool read_repetition(std::size_t& least, std::size_t& most) {
    bool run = false;
    if (take('+')) {
      most = text_pattern::unlimited;
      run = true;
    } else if (take('{')) {
      least = most = read_count();
      if (take(',')) {
        most = more() && text_[at_] == '}' ? text_pattern::unlimited : read_count();
        run = true;
      }
      if (!take('}')) refuse("a closing brace");
      if (least == 0 || most < least) refuse("{n}, {n,} or {n,m} with 0 < n <= m");
    }
    if (more() && std::string_view("*+?{").find(text_[at_]) != std::string_view::npos) {
      refuse("+, {n}, {n,} or {n,m}, once");
    }
    return run;
  }

  [[nodiscard]] std::size_t read_count() {
    std::size_t count = 0;
    const std::size_t begin = at_;
    for (; more() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      count = count * 10 + static_cast<std::size_t>(text_[at_] - '0');
      if (count > 100000) refuse("repetitions up to 100000");
    }
    if (begin == at_) refuse("a number");
    return count;
  }

  [[nodiscard]] character_class read_atom() {
    const char letter = text_[at_++];
    switch (letter) {
      case '[': return read_class();
      case '\\': return read_escape();
      case '.': return single('\n').inverted();
      case '(':
      case ')':
      case '^':
      case '$':
      case '*':
      case '+':
      case '?':
      case '{':
      case '}':
      case ']': --at_; refuse("letters, classes, | and repetitions");
      default: return single(letter);
    }
  }

  [[nodiscard]] static character_class single(char letter) {
    character_class result;
    result.ascii[static_cast<std::size_t>(static_cast<unsigned char>(letter))] = true;
    return result;
  }

  [[nodiscard]] character_class read_escape() {
    if (!more()) refuse("a letter behind the backslash");
    const char letter = text_[at_++];
    switch (letter) {
      case 's': return character_class::space();
      case 'S': return character_class::space().inverted();
      case 'd': result_.ascii_only = true; return character_class::digit();
      case 'D': result_.ascii_only = true; return character_class::digit().inverted();
      case 'w': result_.ascii_only = true; return character_class::word();
      case 'W': result_.ascii_only = true; return character_class::word().inverted();
      case 't': return single('\t');
      case 'n': return single('\n');
      case 'r': return single('\r');
      default: break;
    }
    if (!character_class::punctuation().ascii[static_cast<std::size_t>(static_cast<unsigned char>(letter))]) {
      refuse("\\s \\S \\d \\D \\w \\W \\t \\n \\r or an escaped punctuation mark");
    }
    return single(letter);
  }

  /// What stands between brackets.
  [[nodiscard]] character_class read_class() {
    const bool inverted = take('^');
    character_class result;
    bool empty = true;
    while (more() && text_[at_] != ']') {
      if (text_[at_] == '[' || text_[at_] == '&' || text_[at_] == '-') refuse("an escape before this letter");
      const bool escaped = text_[at_] == '\\';
      const char first = escaped ? '\0' : text_[at_];
      ++at_;
      const character_class letters = escaped ? read_escape() : single(first);
      if (!escaped && more() && text_[at_] == '-') {
        ++at_;
        result.add(read_range(first));
      } else {
        result.add(letters);
      }
      empty = false;
    }
    if (!take(']') || empty) refuse("a class with letters");
    return inverted ? result.inverted() : result;
  }

  [[nodiscard]] character_class read_range(char first) {
    const bool plain = more() && text_[at_] != ']' && text_[at_] != '\\' && text_[at_] != '[';
    if (!plain || text_[at_] < first) refuse("a range from a letter to a later one");
    const char last = text_[at_++];
    return character_class::of([&](char c) { return c >= first && c <= last; });
  }

  std::string_view text_;
  const json_parts& parts_;
  std::size_t at_ = 0;
  text_pattern result_;
};

[[nodiscard]] inline text_pattern read_regex(std::string_view text, const json_parts& parts) {
  return regex_reader(text, parts).read();
}

/// A text that is sought as it stands.
[[nodiscard]] inline text_pattern read_literal(std::string_view text, const json_parts& parts) {
  const auto beyond = [](char letter) { return static_cast<unsigned char>(letter) >= 0x80; };
  for (const char letter : text) {
    if (beyond(letter)) parts.unsupported("a pattern", "ASCII letters", std::string(text.substr(0, 60)));
  }
  if (text.empty()) parts.unsupported("a pattern", "a text that is not empty", "\"\"");
  if (text.size() > text_pattern::most_letters) {
    parts.unsupported("a pattern", "at most 1024 letters", std::to_string(text.size()));
  }
  return text_pattern::literal(text);
}

/// A pattern as the file says it, {"String": text} or {"Regex": text}.
[[nodiscard]] inline text_pattern read_pattern(const io::json& pattern, const json_parts& parts) {
  if (json_parts::is_set(pattern, "String")) return read_literal(parts.text(pattern, "String"), parts);
  if (json_parts::is_set(pattern, "Regex")) return read_regex(parts.text(pattern, "Regex"), parts);
  parts.fail("\"pattern\"", "\"String\" or \"Regex\"", json_parts::shown(pattern));
}

}  // namespace detail
DNALM_END_NAMESPACE
