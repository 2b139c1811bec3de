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
  using piece_number =
      std::uint16_t;  ///< pieces (tokens that merging can leave), in the order of their times
  static constexpr time_type never = 0xFFFF;
  static constexpr piece_number no_piece = 0xFFFF;
  static constexpr piece_number early_pieces = 1024;
  static constexpr std::size_t start_letters = 7;
  /// What a search reads of a piece at one side of a border: one word, so that the tables stay in the cache.
  /// Bits 0-15: the part at the border of the two that it was merged from; 16-31: the time it was made (0: a
  /// letter); then for each of the four classes of the letter across the border eight bits: the coarse time
  /// of the first merge that takes the piece across a border to a letter of that class.
  using edge = std::uint64_t;
  static constexpr edge letter_edge = 0xFFFFFFFF00000000;
  struct prefix_link {
    piece_number shorter = 0;  // the longest piece that is a prefix of this one
    std::uint16_t length = 0;  // of this one, in letters
  };
  struct merge_slot {
    std::uint16_t tag = 0;  // of the pair's hash
    time_type time = 0;     // 0: an empty slot
  };
  /// A time rounded down to 255 steps; the last of them, 255, is never.
  [[nodiscard]] std::uint32_t coarse(std::uint32_t time) const { return time >> coarse_shift_; }
  [[nodiscard]] static std::uint32_t hash(piece_number left, piece_number right) {
    return ((static_cast<std::uint32_t>(left) << 16) | right) * 0x9E3779B1U;
  }
  void find_pieces(const std::vector<std::string>& tokens, const std::vector<bpe_definition::merge>& merges);
  [[nodiscard]] bool make_trie(const std::vector<std::string>& tokens);
  [[nodiscard]] bool insert(std::string_view text, piece_number number);
  void fold_leaves();
  void fill_starts();
  void remember_early_pairs(const std::vector<std::string>& tokens);
  void add_merge(piece_number left, piece_number right, std::uint32_t time, char before, char behind);
  void take_from(std::size_t at, char across, std::uint32_t time);
  [[nodiscard]] std::uint32_t time_of(piece_number left, piece_number right) const;
  [[nodiscard]] bool edges_stay_apart(piece_number u, piece_number v, char before, char behind,
                                      std::uint32_t limit) const;
  [[nodiscard]] piece_number longest_piece(std::string_view word, std::size_t at) const;

  std::array<std::int16_t, 256> letters_ = filled();
  std::array<std::uint8_t, 256> classes_{};  // of letters: the place of their bits in an edge, 32 to 56
  std::size_t stride_ = 0;
  // [node]: longest piece on the way there; [node + 1 + letter]: child; 0: none; ~piece: a child without
  // children.
  std::vector<std::int32_t> trie_;
  std::vector<std::int32_t>
      starts_;               // the entry to which `start_letters` letters of ACGT lead, by packed_kmer
  std::vector<edge> edges_;  // [2 piece]: of its right side, [2 piece + 1]: of its left side
  // [early_pieces u + v]: whether the insides of two pieces below early_ stay apart (`edges_stay_apart`,
  // limit 0).
  std::vector<bool> early_apart_;
  piece_number early_ = 0;
  std::vector<prefix_link> links_;     // by piece
  std::vector<std::int32_t> tokens_;   // by piece
  std::vector<merge_slot> merges_;     // open addressing
  std::vector<std::uint32_t> hashes_;  // of pairs, by time: a hash is as good as its pair
  std::uint32_t last_time_ = 0;
  int hash_shift_ = 31;
  int coarse_shift_ = 0;

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
