// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which rows of a pass are observed and which are their references: what a backend needs to know to
/// give DeepLIFT's multipliers in place of gradients.
#pragma once

#include <concepts>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// The rows of a matrix fall into blocks of `block` rows (0: all rows are one block). In the first half of a
/// block stand observed rows, in the second half, in the same order, their references.
///
/// A batch of pairs holds the observed sequences first and then their references, each as long as its
/// partner: so every matrix of a pass that has rows or sequences of the batch is one block. `block` is the
/// number of the batch's rows where a network puts several strands of it below each other.
struct row_pairs {
  bool any = false;  ///< false: there are no pairs, adjoints are gradients
  index_t block = 0;

  /// Rows of a block, in a matrix of `rows`.
  [[nodiscard]] index_t block_rows(index_t rows) const { return block == 0 ? rows : block; }

  /// Calls work(observed row, row of its reference) for every pair of a matrix of `rows`.
  template <class Work>
  void for_each(index_t rows, Work&& work) const {
    const index_t size = block_rows(rows);
    for (index_t first = 0; first < rows; first += size) {
      for (index_t r = 0; r < size / 2; ++r) work(first + r, first + size / 2 + r);
    }
  }
};

/// A backend that has DeepLIFT's rules beside its adjoints: on_pairs(pairs) is a copy whose `_vjp` kernels
/// take multipliers for gradients. For an output y = f(x) with multipliers dy they give multipliers dx with
/// sum of dx (x - x') = sum of dy (y - y') over every pair (x, x'); linear kernels stay their adjoints. Both
/// rows of a pair bring the same dy and get the same dx.
///
/// Rules of adjoints that gradients write as forward kernels, or that read more than a gradient needs, are
/// kernels of their own, which backends in host memory have (host_layer_kernels). Formulas:
/// docs/attribution/deep_lift.md.
template <class B>
concept pair_kernels = requires(const B& b, const row_pairs& pairs) {
  { b.on_pairs(pairs) } -> std::same_as<B>;
  { b.pairs() } -> std::same_as<const row_pairs&>;
};

/// Whether the adjoints of a backend are multipliers of pairs.
template <class B>
[[nodiscard]] constexpr bool has_pairs(const B& backend) {
  if constexpr (pair_kernels<B>) {
    return backend.pairs().any;
  } else {
    return false;
  }
}

/// The backend of a pass: on a team, and on pairs where it has rules for them; itself where it knows neither.
template <class B>
[[nodiscard]] decltype(auto) pass_backend(const B& backend, thread_team* team,
                                          [[maybe_unused]] const row_pairs& pairs) {
  if constexpr (pair_kernels<B> && team_kernels<B>) {
    return backend.on_team(team).on_pairs(pairs);
  } else if constexpr (pair_kernels<B>) {
    return backend.on_pairs(pairs);
  } else {
    return on_team(backend, team);
  }
}

DNALM_END_NAMESPACE
