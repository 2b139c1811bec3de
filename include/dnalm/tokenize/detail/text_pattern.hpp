// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The patterns of tokenizer.json files: literal texts and a small part of regular expressions.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/utf8.hpp>
#include <dnalm/tokenize/detail/text_alignment.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A set of characters: any of ASCII, and beyond it all, none, or white space.
struct character_class {
  std::bitset<128> ascii = {};
  bool space_beyond = false;   ///< holds Unicode white space beyond ASCII
  bool others_beyond = false;  ///< holds all other characters beyond ASCII

  [[nodiscard]] bool holds(std::uint32_t code) const {
    if (code < 128) return ascii[code];
    return is_unicode_space(code) ? space_beyond : others_beyond;
  }
  void add(const character_class& other) {
    ascii |= other.ascii;
    space_beyond = space_beyond || other.space_beyond;
    others_beyond = others_beyond || other.others_beyond;
  }
  [[nodiscard]] character_class inverted() const { return {~ascii, !space_beyond, !others_beyond}; }

  /// Letters for which `holds` is true; nothing beyond ASCII.
  template <typename Predicate>
  [[nodiscard]] static character_class of(Predicate&& holds) {
    character_class result;
    for (std::uint32_t code = 0; code < 128; ++code) result.ascii[code] = holds(static_cast<char>(code));
    return result;
  }
  [[nodiscard]] static character_class space() {
    character_class result = of([](char c) { return c == ' ' || (c >= 9 && c <= 13); });
    result.space_beyond = true;
    return result;
  }
  [[nodiscard]] static character_class digit() {
    return of([](char c) { return c >= '0' && c <= '9'; });
  }
  [[nodiscard]] static character_class word() {
    return of([](char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    });
  }
  [[nodiscard]] static character_class punctuation() {
    return of([](char c) {
      return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
             (c >= '{' && c <= '~');
    });
  }
};

/// A pattern that is never empty and is searched in linear time: branches, the first that matches wins; a
/// branch is a sequence of single characters, or one class repeated (as often as it goes) at least `least`
/// and at most `most` times.
class text_pattern {
 public:
  struct branch {
    std::vector<character_class> letters = {};  ///< one class each, or the class of a run
    bool is_run = false;
    std::size_t least = 1;
    std::size_t most = 1;
  };
  /// Whether matches depend on classes of letters beyond ASCII, which are not known here.
  bool ascii_only = false;
  std::vector<branch> branches = {};

  std::array<bool, 256> begins = {};  ///< bytes with which a match may begin; made by finish()

  /// To be called when the branches are complete.
  void finish() {
    for (const branch& b : branches) {
      const character_class& first = b.letters[0];
      for (std::size_t byte = 0; byte < 256; ++byte) {
        const bool possible = byte < 128 ? first.ascii[byte] : first.space_beyond || first.others_beyond;
        begins[byte] = begins[byte] || possible;
      }
    }
  }

  /// A pattern that matches one text.
  [[nodiscard]] static text_pattern literal(std::string_view text) {
    branch only;
    for (const char letter : text) {
      only.letters.push_back(character_class::of([&](char c) { return c == letter; }));
    }
    text_pattern result;
    result.branches = {std::move(only)};
    result.finish();
    return result;
  }
  /// A pattern that matches one character of a class, or runs of it.
  [[nodiscard]] static text_pattern any_of(const character_class& letters, bool runs) {
    text_pattern result;
    result.branches = {{{letters}, runs, 1, runs ? unlimited : 1}};
    result.finish();
    return result;
  }

  static constexpr std::size_t unlimited = ~std::size_t{0};
  static constexpr std::size_t most_branches = 8;
  static constexpr std::size_t most_letters = 1024;  ///< of a branch
};

/// Finds the matches of a pattern one behind the other, as regular expressions do: leftmost first, never
/// overlapping. Runs that were too short are remembered, so that the whole search is linear in the text.
class pattern_search {
 public:
  pattern_search(const text_pattern& pattern, std::string_view text)
      : pattern_(pattern), text_(text), short_run_end_{} {}

  /// The next match at or behind `at`.
  [[nodiscard]] std::optional<text_range> next(std::size_t at) {
    while (at < text_.size()) {
      if (!pattern_.begins[static_cast<unsigned char>(text_[at])]) {
        ++at;
        continue;
      }
      for (std::size_t b = 0; b < pattern_.branches.size(); ++b) {
        const std::size_t end = match_end(b, at);
        if (end > at) return text_range{at, end};
      }
      at += read_utf8(text_, at).length;
    }
    return std::nullopt;
  }

 private:
  /// End of the match of a branch at `at`, or `at`.
  [[nodiscard]] std::size_t match_end(std::size_t b, std::size_t at) {
    const text_pattern::branch& branch = pattern_.branches[b];
    if (branch.is_run) return run_end(branch, short_run_end_[b], at);
    std::size_t end = at;
    for (const character_class& letters : branch.letters) {
      if (end >= text_.size()) return at;
      const utf8_character character = read_utf8(text_, end);
      if (!letters.holds(character.code)) return at;
      end += character.length;
    }
    return end;
  }

  /// What begins inside a run that was too short is shorter still: it is not measured again.
  [[nodiscard]] std::size_t run_end(const text_pattern::branch& branch, std::size_t& short_run_end,
                                    std::size_t at) const {
    if (at < short_run_end) return at;
    std::size_t end = at;
    std::size_t letters = 0;
    while (end < text_.size() && letters < branch.most) {
      const utf8_character character = read_utf8(text_, end);
      if (!branch.letters[0].holds(character.code)) break;
      end += character.length;
      ++letters;
    }
    if (letters >= branch.least) return end;
    short_run_end = end;
    return at;
  }

  const text_pattern& pattern_;
  std::string_view text_;
  std::array<std::size_t, text_pattern::most_branches> short_run_end_;
};

}  // namespace detail
DNALM_END_NAMESPACE
