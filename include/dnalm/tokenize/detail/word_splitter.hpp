// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The pre-tokenizers of tokenizer.json: how a normalized text is cut into words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/tokenize/detail/text_alignment.hpp>
#include <dnalm/tokenize/detail/text_pattern.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What becomes of the matches of a splitting pattern.
enum class split_behavior {
  removed,               ///< they vanish
  isolated,              ///< each is a word
  merged_with_previous,  ///< each ends the word before it
  merged_with_next,      ///< each begins the word behind it
  contiguous             ///< neighbouring ones are one word
};

/// One step of a pre-tokenizer; a Sequence is a list of steps, each splits the words of the one before.
struct splitter_step {
  text_pattern pattern = {};
  split_behavior behavior = split_behavior::removed;
  bool invert = false;  ///< what lies between the matches takes their place
  std::string name = {};
};

/// Cuts a text into words.
class word_splitter {
 public:
  std::vector<splitter_step> steps = {};

  /// Calls `on_word(begin, end)` for each word in order; none is empty.
  template <typename OnWord>
  void split(std::string_view text, OnWord&& on_word) const {
    if (!text.empty()) split_from(0, text, 0, text.size(), on_word);
  }

 private:
  template <typename OnWord>
  void split_from(std::size_t step, std::string_view text, std::size_t begin, std::size_t end,
                  OnWord& on_word) const {
    if (step == steps.size()) {
      on_word(begin, end);
      return;
    }
    const auto next = [&](std::size_t first, std::size_t last) {
      if (first < last) split_from(step + 1, text, first, last, on_word);
    };
    piece_receiver pieces{steps[step].behavior, {}, false, false};
    const std::string_view part = text.substr(0, end);
    pattern_search search(steps[step].pattern, part);
    const bool match = !steps[step].invert;
    std::size_t done = begin;
    for (auto found = search.next(begin); found; found = search.next(done)) {
      if (found->begin > done) pieces.take({done, found->begin}, !match, next);
      pieces.take(*found, match, next);
      done = found->end;
    }
    if (done < end) pieces.take({done, end}, !match, next);
    pieces.finish(next);
  }

  /// Joins matches and what lies between them to words, as the behaviour says.
  struct piece_receiver {
    split_behavior behavior;
    text_range open;  // a word that may still grow
    bool is_open;
    bool previous_match;

    template <typename Next>
    void take(text_range piece, bool match, const Next& next) {
      switch (behavior) {
        case split_behavior::removed:
          if (!match) next(piece.begin, piece.end);
          return;
        case split_behavior::isolated: next(piece.begin, piece.end); return;
        case split_behavior::contiguous: join_if(match == previous_match, piece, next); break;
        case split_behavior::merged_with_previous: join_if(match && !previous_match, piece, next); break;
        case split_behavior::merged_with_next: join_if(!match && previous_match, piece, next); break;
      }
      previous_match = match;
    }
    template <typename Next>
    void join_if(bool joins, text_range piece, const Next& next) {
      if (is_open && joins) {
        open.end = piece.end;
        return;
      }
      finish(next);
      open = piece;
      is_open = true;
    }
    template <typename Next>
    void finish(const Next& next) {
      if (is_open) next(open.begin, open.end);
      is_open = false;
    }
  };
};

}  // namespace detail
DNALM_END_NAMESPACE
