// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of sequence/shuffle.hpp.
#pragma once

#include <limits>

#include <dnalm/core/error.hpp>
#include <dnalm/sequence/detail/shuffle_walk.hpp>
#include <dnalm/sequence/detail/walk_count.hpp>
#include <dnalm/sequence/shuffle.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE sequence_shuffler::sequence_shuffler(std::string_view sequence, index_t k)
    : letters_(normalize_sequence(sequence, unknown_policy::error, "a sequence to be shuffled")) {
  const bool countable = letters_.size() < std::numeric_limits<std::uint32_t>::max();
  if (k < 1 || k > 32 || !countable) {
    throw error(error_kind::usage, 153, "a shuffle that cannot be made",
                {.expected = "k-lets of 1 to 32 letters, fewer than 2^32 - 1 letters",
                 .found = "k = " + std::to_string(k) + ", " + std::to_string(letters_.size()) + " letters"});
  }
  for (std::size_t begin = 0; begin < letters_.size();) {
    const std::size_t stop = std::min(letters_.find('N', begin), letters_.size());
    if (static_cast<index_t>(stop - begin) >= k) {
      runs_.push_back(detail::make_shuffle_graph(std::string_view(letters_).substr(begin, stop - begin), k));
      runs_.back().begin = begin;
    }
    begin = stop + 1;
  }
  for (detail::shuffle_graph& run : runs_) run.begin += static_cast<std::size_t>(k - 1);
}

DNALM_INLINE std::string sequence_shuffler::shuffled(const shuffle_key& key) const {
  std::string letters = letters_;
  detail::shuffle_random random(key.seed, key.sequence, key.replicate);
  detail::shuffle_scratch scratch;
  for (const detail::shuffle_graph& run : runs_) {
    detail::walk_at_random(run, random, scratch, letters.data() + run.begin);
  }
  return letters;
}

DNALM_INLINE shuffle_number sequence_shuffler::number() const {
  detail::log_product logarithm;
  for (const detail::shuffle_graph& run : runs_) {
    std::size_t size = 0;
    (void)detail::tree_places(run, size);
    if (size > 1024) {
      throw error(error_kind::unsupported, 154, "the number of different shuffles is not counted",
                  {.expected = "at most 1024 different words of k - 1 letters in a run",
                   .found = std::to_string(size)});
    }
    detail::log_product trees;
    detail::multiply_trees<detail::real_number>(run, trees);
    detail::multiply_orders(run, logarithm);
    logarithm.log += trees.log;
  }
  shuffle_number number{.log = std::max(0.0, logarithm.log), .exact = {}};
  if (number.log > 43.66) return number;  // ln 2^63 = 43.668
  detail::residue_product residue;
  for (const detail::shuffle_graph& run : runs_) {
    detail::multiply_trees<detail::prime_residue>(run, residue);
    detail::multiply_orders(run, residue);
  }
  number.exact = static_cast<index_t>(residue.value.value());
  return number;
}

DNALM_INLINE std::string shuffle_sequence(std::string_view sequence, index_t k, const shuffle_key& key) {
  return sequence_shuffler(sequence, k).shuffled(key);
}

DNALM_END_NAMESPACE
