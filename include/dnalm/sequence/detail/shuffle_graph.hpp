// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The k-lets of a run of A, C, G, T as a graph: vertices are (k-1)-lets, exits are letters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/sequence/alphabet.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Exits of vertex v by letter b: counts[4 v + b] times to vertex next[4 v + b].
struct shuffle_graph {
  std::size_t begin = 0;  ///< where the run begins in its sequence
  std::size_t steps = 0;  ///< its number of k-lets
  std::uint32_t first = 0;
  std::uint32_t last = 0;  ///< the root of the tree of last exits
  std::vector<std::uint32_t> counts = {};
  std::vector<std::uint32_t> next = {};

  [[nodiscard]] std::size_t vertices() const { return counts.size() / 4; }
};

/// Numbers of the (k-1)-lets of a run: the words themselves where a table of all fits, else their rank among
/// those that occur.
class kmer_numbers {
 public:
  kmer_numbers(std::string_view run, index_t k) : width_(static_cast<unsigned>(2 * (k - 1))) {
    const std::size_t most = std::max<std::size_t>(64, run.size());
    direct_ = width_ < 40 && (std::uint64_t{1} << width_) <= most;
    if (direct_) return;
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < run.size(); ++i) {
      word = follow(word, base_code(run[i]));
      if (static_cast<index_t>(i) + 2 >= k) words_.push_back(word);
    }
    std::sort(words_.begin(), words_.end());
    words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
  }

  /// The word behind `word` when a letter is added.
  [[nodiscard]] std::uint64_t follow(std::uint64_t word, int letter) const {
    const std::uint64_t mask = (std::uint64_t{1} << width_) - 1;
    return ((word << 2) | static_cast<std::uint64_t>(letter)) & mask;
  }
  [[nodiscard]] std::uint32_t number(std::uint64_t word) const {
    if (direct_) return static_cast<std::uint32_t>(word);
    return static_cast<std::uint32_t>(std::lower_bound(words_.begin(), words_.end(), word) - words_.begin());
  }
  [[nodiscard]] std::size_t size() const { return direct_ ? std::size_t{1} << width_ : words_.size(); }

 private:
  unsigned width_;  // bits of a word
  bool direct_ = true;
  std::vector<std::uint64_t> words_;
};

/// The graph of a run of at least k letters, all A, C, G or T, fewer than 2^32.
[[nodiscard]] inline shuffle_graph make_shuffle_graph(std::string_view run, index_t k) {
  const kmer_numbers words(run, k);
  shuffle_graph graph;
  graph.counts.assign(4 * words.size(), 0);
  graph.next.assign(4 * words.size(), 0);
  const auto kept = static_cast<std::size_t>(k - 1);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < kept; ++i) word = words.follow(word, base_code(run[i]));
  graph.first = graph.last = words.number(word);
  graph.steps = run.size() - kept;
  for (std::size_t i = kept; i < run.size(); ++i) {
    const int letter = base_code(run[i]);
    const std::size_t exit = 4 * std::size_t{graph.last} + static_cast<std::size_t>(letter);
    word = words.follow(word, letter);
    graph.last = words.number(word);
    graph.next[exit] = graph.last;
    ++graph.counts[exit];
  }
  return graph;
}

}  // namespace detail
DNALM_END_NAMESPACE
