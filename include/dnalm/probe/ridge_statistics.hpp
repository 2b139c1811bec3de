// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Streamed sufficient statistics of linear regression, one set per part (fold, split, group) of the
/// rows.
#pragma once

#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#include <dnalm/probe/ridge_moments.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Accumulates ridge_moments from a stream of rows.
///
/// Rows of each part are gathered, in the order of arrival, into leaves of 64; a full leaf is centred on its
/// own mean and merged into the part by one rank-65 product (64 centred rows and the mean difference of
/// Chan's update). Leaves and merges depend only on the order of a part's rows, so the bits never depend on
/// how the stream is cut into blocks, on threads, or on other parts. Features and labels are double inside.
///
/// Missing labels: targets that miss the same rows share one set of moments (see missingness_groups); each
/// group uses the rows where its targets are labelled. Memory: parts x groups x (D^2 + D T + 64 (D + T))
/// doubles. Standardisation is done afterwards (ridge.hpp), so statistics know no penalty and no scale.
class ridge_statistics : public ridge_accumulator {
 public:
  /// \param target_group as missingness_groups gives it; empty: all targets are labelled in every row.
  ridge_statistics(index_t features, index_t targets, index_t parts, std::vector<index_t> target_group = {});

  /// As ridge_accumulator::add. Cost: O(n D (D + T)) flops.
  void add(matrix_view<const float> x, matrix_view<const double> y, std::span<const index_t> part,
           std::span<const double> weight = {}) override;
  void add(matrix_view<const double> x, matrix_view<const double> y, std::span<const index_t> part,
           std::span<const double> weight = {});
  [[nodiscard]] index_t rows(index_t part, index_t group = 0) const override;
  [[nodiscard]] ridge_moments moments(std::span<const index_t> parts, index_t group = 0) const override;
  /// Bytes that one such object of this shape needs at most.
  [[nodiscard]] static index_t bytes(index_t features, index_t targets, index_t parts, index_t groups);

 private:
  static constexpr index_t leaf_rows = 64;

  struct cell {  // one part of one group
    ridge_moments total;
    std::vector<double> x;       // waiting rows (leaf, D)
    std::vector<double> y;       // (leaf, targets of the group)
    std::vector<double> weight;  // (leaf)
  };

  template <class Number>
  void add_rows(matrix_view<const Number> x, matrix_view<const double> y, std::span<const index_t> part,
                std::span<const double> weight);
  template <class Number>
  void add_row(vector_view<const Number> x, vector_view<const double> y, index_t part, double weight);
  static void flush(cell& waiting);
  void start(cell& fresh, index_t group) const;

  std::vector<cell> cells_;  // (group, part)
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/ridge_statistics_impl.hpp>
#endif
