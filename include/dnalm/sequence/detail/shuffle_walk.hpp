// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A uniform walk over a graph of k-lets: a uniform tree of last exits, the other exits at random.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/sequence/detail/shuffle_graph.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Random numbers of one shuffle: Philox keyed by the seed; the counter holds block, replicate and sequence.
class shuffle_random {
 public:
  shuffle_random(std::uint64_t seed, std::uint64_t sequence, std::uint32_t replicate)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        replicate_(replicate),
        sequence_{static_cast<std::uint32_t>(sequence), static_cast<std::uint32_t>(sequence >> 32)} {}

  /// Uniform in [0, bound), bound > 0, without bias. Source: Lemire, "Fast random integer generation in an
  /// interval", ACM Transactions on Modeling and Computer Simulation 29, 2019.
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t least = (0U - bound) % bound;
      while (static_cast<std::uint32_t>(product) < least) product = std::uint64_t{next()} * bound;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }

 private:
  [[nodiscard]] std::uint32_t next() {
    if (used_ == numbers_.size()) {
      for (std::size_t i = 0; i < numbers_.size(); i += 4) {
        const auto block = philox_block({block_++, replicate_, sequence_[0], sequence_[1]}, key_);
        for (std::size_t j = 0; j < 4; ++j) numbers_[i + j] = block[j];
      }
      used_ = 0;
    }
    return numbers_[used_++];
  }

  std::array<std::uint32_t, 2> key_;
  std::uint32_t replicate_;
  std::array<std::uint32_t, 2> sequence_;
  std::uint32_t block_ = 0;
  std::array<std::uint32_t, 16> numbers_{};
  std::size_t used_ = 16;
};

/// The letter that holds place `place` when the exits stand in the order A, C, G, T.
[[nodiscard]] inline std::uint32_t exit_at(const std::uint32_t* counts, std::uint32_t place) {
  const std::uint32_t two = counts[0] + counts[1];
  return static_cast<std::uint32_t>(place >= counts[0]) + static_cast<std::uint32_t>(place >= two) +
         static_cast<std::uint32_t>(place >= two + counts[2]);
}

/// Room for the walks of one shuffle.
struct shuffle_scratch {
  std::vector<std::uint32_t> counts = {};  // exits not yet taken, last ones apart
  std::vector<std::uint32_t> left = {};    // their number for each vertex
  std::vector<std::uint8_t> final_exit = {};
  std::vector<std::uint8_t> in_tree = {};
};

/// A uniform tree of last exits towards graph.last, by loop-erased random walks.
///
/// Exits from a vertex to itself are in no tree and are left out, which changes no probability.
inline void draw_last_exits(const shuffle_graph& graph, shuffle_random& random, shuffle_scratch& scratch) {
  const std::size_t vertices = graph.vertices();
  scratch.final_exit.assign(vertices, 0);
  scratch.in_tree.assign(vertices, 0);
  scratch.in_tree[graph.last] = 1;
  const auto after = [&](std::uint32_t vertex) {
    return graph.next[4 * std::size_t{vertex} + scratch.final_exit[vertex]];
  };
  for (std::uint32_t start = 0; start < vertices; ++start) {
    if (scratch.left[start] == 0) continue;
    for (std::uint32_t at = start; scratch.in_tree[at] == 0; at = after(at)) {
      std::array<std::uint32_t, 4> away{};
      for (std::size_t b = 0; b < 4; ++b) {
        const std::size_t exit = 4 * std::size_t{at} + b;
        away[b] = graph.next[exit] == at ? 0 : graph.counts[exit];
      }
      const std::uint32_t place = random.below(away[0] + away[1] + away[2] + away[3]);
      scratch.final_exit[at] = static_cast<std::uint8_t>(exit_at(away.data(), place));
    }
    for (std::uint32_t at = start; scratch.in_tree[at] == 0; at = after(at)) scratch.in_tree[at] = 1;
  }
}

/// Writes the last `graph.steps` letters of one shuffle of a run.
inline void walk_at_random(const shuffle_graph& graph, shuffle_random& random, shuffle_scratch& scratch,
                           char* letters) {
  scratch.counts = graph.counts;
  scratch.left.resize(graph.vertices());
  for (std::size_t v = 0; v < graph.vertices(); ++v) {
    const std::uint32_t* exits = graph.counts.data() + 4 * v;
    scratch.left[v] = exits[0] + exits[1] + exits[2] + exits[3];
  }
  draw_last_exits(graph, random, scratch);
  for (std::size_t v = 0; v < graph.vertices(); ++v) {
    if (scratch.left[v] == 0 || v == graph.last) continue;
    --scratch.counts[4 * v + scratch.final_exit[v]];
    --scratch.left[v];
  }
  std::size_t at = graph.first;
  for (std::size_t i = 0; i < graph.steps; ++i) {
    std::size_t exit = 4 * at;
    if (scratch.left[at] > 0) {
      exit += exit_at(scratch.counts.data() + exit, random.below(scratch.left[at]));
      --scratch.counts[exit];
      --scratch.left[at];
    } else {
      exit += scratch.final_exit[at];
    }
    letters[i] = "ACGT"[exit & 3];
    at = graph.next[exit];
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
