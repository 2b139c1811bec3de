// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The merge table of byte pair encoding, and the merging of one word.
#pragma once

#include <cstdint>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// What two neighbouring tokens merge into, and how early (rank 0 first). rank -1: they do not merge.
struct bpe_merge {
  std::int32_t rank = -1;
  std::int32_t result = -1;
};

/// Pair of tokens to merge: open addressing with a power of two of slots, at most half full.
class bpe_merge_table {
 public:
  explicit bpe_merge_table(index_t merges = 0);
  /// Adds a merge; false (and nothing added) when the pair has one already.
  bool add(std::int32_t left, std::int32_t right, bpe_merge merge);
  [[nodiscard]] bpe_merge find(std::int32_t left, std::int32_t right) const;

 private:
  struct slot {
    std::uint64_t pair = empty;
    bpe_merge merge;
  };
  static constexpr std::uint64_t empty = ~std::uint64_t{0};
  [[nodiscard]] static std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }
  [[nodiscard]] std::size_t first_slot(std::uint64_t pair) const {
    return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15ULL) >> shift_);
  }

  std::vector<slot> slots_;
  int shift_ = 63;
};

/// One symbol of a word that is being merged.
struct bpe_symbol {
  std::int32_t id = -1;        ///< -1 once it is swallowed by its left neighbour
  std::int32_t previous = -1;  ///< neighbours in the word, -1 at its ends
  std::int32_t next = -1;
  std::uint32_t begin = 0;  ///< first byte, counted from the start of the word
};

/// Merges a word: again and again the pair of the lowest rank, the leftmost of equals, until no pair merges.
///
/// `symbols` is the word as a linked list over a vector, in order; swallowed symbols keep id -1. `heap` is
/// scratch memory. A heap of (rank, position) keeps the order, stale entries are told by their rank.
/// Cost: O(n log n). Source: Sennrich, Haddow, Birch, "Neural machine translation of rare words with subword
/// units", ACL 2016, algorithm 1, with the tie rule of the reference tokenizers.
void merge_word(std::vector<bpe_symbol>& symbols, const bpe_merge_table& merges,
                std::vector<std::uint64_t>& heap);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/tokenize/detail/bpe_merges_impl.hpp>
#endif
