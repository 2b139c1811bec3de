// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Byte pair encoding of a word from left to right, without a queue of merges.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tokenize/bpe_definition.hpp>

DNALM_BEGIN_NAMESPACE

/// Finds what merging by rank (merge_word) makes of a word, by looking for the one chain of tokens in which
/// every two neighbours stay apart.
///
/// Let B(s) be the result of merging s: lowest rank first, leftmost first. Two facts:
///
/// * If B(s) = t1 ... tn, then B(ti ti+1) = ti, ti+1: no merge ever crosses a border of the result, so the
/// merges
///   inside ti ti+1, in their order, are the ones that this text alone undergoes.
/// * If B(ti ti+1) = ti, ti+1 for every i, then B(t1 ... tn) = t1, ..., tn: the first merge to cross a border
///   would be the first of all pairs, hence also of those in ti ti+1, and cross it there too.
///
/// So B(s) is the only chain of tokens over s with such neighbours. It is sought depth first, the longest
/// token first; no place of the text is reached by two chains, so each is entered once.
///
/// Whether B(u v) = u, v is decided along the right edge of how u was merged and the left edge of how v was:
/// they are joined when the ranks of those edges leave a pair (x, y) side by side at the time of its rank.
/// This asks that tokens be made before they are used: every merge that makes a token has a lower rank than
/// every merge that takes it. Vocabularies made by byte pair encoding are so. For others, and above 65,534
/// merges, usable() is false.
class bpe_automaton {
 public:
  /// One token of a word; it ends where the next begins.
  struct step {
    std::int32_t id = -1;
    std::uint32_t begin = 0;  ///< first letter, counted from the start of the word
  };

  /// No automaton: usable() is false.
  bpe_automaton() = default;
  /// `tokens` by number, `merges` by rank; a merge makes the token whose text is its two texts joined.
  bpe_automaton(const std::vector<std::string>& tokens, const std::vector<bpe_definition::merge>& merges);

  [[nodiscard]] bool usable() const { return !trie_.empty(); }
  /// Whether a byte is a letter that merges know.
  [[nodiscard]] bool is_letter(char letter) const {
    return letters_[static_cast<unsigned char>(letter)] >= 0;
  }

  /// Makes `chain` the tokens of `word`, which consists of letters. False when it took more than 64 steps a
  /// letter: merge_word is then the better way.
  /// Requires usable() and word.size() < 2^32. Cost: linear for vocabularies made by byte pair encoding.
  [[nodiscard]] bool encode(std::string_view word, std::vector<step>& chain) const;

 private:
  /// Times: 0 is the begin, merges of rank r happen at r + 1.
  using time_type = std::uint16_t;
  using piece_number = std::uint16_t;  ///< pieces are numbered in the order of their times
  static constexpr time_type never = 0xFFFF;
  static constexpr piece_number no_piece = 0xFFFF;
  struct piece {            // a token that merging can leave
    piece_number left = 0;  // the two pieces it was merged from
    piece_number right = 0;
    time_type made = 0;  // 0: a letter
    // Time of the first merge that takes it as its left (right) part, by the class of the letter with which
    // the other part begins (ends).
    std::array<time_type, 4> first_as_left = {never, never, never, never};
    std::array<time_type, 4> first_as_right = {never, never, never, never};
    std::uint8_t begins = 0;  // class of its first letter
    std::uint8_t ends = 0;    // of its last letter
  };
  struct prefix_link {
    piece_number shorter = 0;  // the longest piece that is a prefix of this one
    std::uint16_t length = 0;  // of this one, in letters
  };
  struct merge_slot {
    std::uint32_t pair = 0;
    std::uint32_t time = 0;  // 0: an empty slot
  };
  void find_pieces(const std::vector<std::string>& tokens, const std::vector<bpe_definition::merge>& merges);
  [[nodiscard]] bool make_trie(const std::vector<std::string>& tokens);
  [[nodiscard]] bool insert(std::string_view text, piece_number number);
  void add_merge(piece_number left, piece_number right, time_type time);
  [[nodiscard]] time_type time_of(piece_number left, piece_number right) const;
  [[nodiscard]] bool edges_stay_apart(piece_number u, piece_number v, bool with_wholes) const;
  [[nodiscard]] piece_number longest_piece(std::string_view word, std::size_t at) const;

  std::array<std::int16_t, 256> letters_ = filled();
  std::size_t stride_ = 0;
  std::vector<std::int32_t>
      trie_;  // [node]: longest piece on the way there; [node + 1 + letter]: child, 0: none
  std::vector<piece> pieces_;
  std::vector<prefix_link> links_;    // by piece
  std::vector<std::int32_t> tokens_;  // by piece
  std::vector<merge_slot> merges_;    // open addressing
  int shift_ = 31;

  [[nodiscard]] static std::array<std::int16_t, 256> filled() {
    std::array<std::int16_t, 256> table{};
    table.fill(-1);
    return table;
  }
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/bpe_automaton_impl.hpp>
#endif
