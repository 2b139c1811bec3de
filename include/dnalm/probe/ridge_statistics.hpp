// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Streamed sufficient statistics of linear regression, one set per part (fold, split, group) of the
/// rows.
#pragma once

#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Centred second moments of rows (x, y) with weights w:
/// gram = sum w (x - mx)(x - mx)', cross = sum w (y - my)(x - mx)', yy = sum w (y - my)^2.
struct ridge_moments {
  index_t features = 0;        ///< D
  index_t targets = 0;         ///< T
  index_t rows = 0;            ///< rows added
  double weight = 0;           ///< sum of weights; rows when unweighted
  std::vector<double> mean_x;  ///< (D)
  std::vector<double> mean_y;  ///< (T)
  std::vector<double> gram;    ///< (D, D), both triangles
  std::vector<double> cross;   ///< (T, D) row-major
  std::vector<double> yy;      ///< (T)
};

/// Empty moments of a shape. \throws error [dnalm.shape.101] on overflow.
[[nodiscard]] ridge_moments make_moments(index_t features, index_t targets);

/// Adds the rows of `other` to `into` (Chan, Golub, LeVeque 1979):
/// G += G' + (w w' / (w + w')) d d' with d the difference of the means. Never subtracts.
void merge_moments(ridge_moments& into, const ridge_moments& other);

/// Which targets miss the same rows: target t belongs to group result[t], groups numbered by first
/// appearance. labels: (rows, T), NaN = missing. One group when nothing is missing. Cost: O(rows T) plus
/// comparisons.
[[nodiscard]] std::vector<index_t> missingness_groups(matrix_view<const double> labels);

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
class ridge_statistics {
 public:
  /// \param target_group as missingness_groups gives it; empty: all targets are labelled in every row.
  ridge_statistics(index_t features, index_t targets, index_t parts, std::vector<index_t> target_group = {});

  /// Adds rows. x: (n, D); y: (n, T); part: (n) numbers in [0, parts), -1 leaves a row out; weight: (n)
  /// positive or empty (all 1). \throws error [dnalm.shape.520] when sizes differ, [dnalm.numeric.521] for a
  /// NaN or infinity in x (rows left out included), [dnalm.input.536] for an infinite label or for one of a
  /// group's targets missing where another is present, [dnalm.usage.541] for a weight that is not positive
  /// and finite. Cost: O(n D (D + T)) flops.
  void add(matrix_view<const float> x, matrix_view<const double> y, std::span<const index_t> part,
           std::span<const double> weight = {});
  void add(matrix_view<const double> x, matrix_view<const double> y, std::span<const index_t> part,
           std::span<const double> weight = {});

  [[nodiscard]] index_t features() const { return features_; }
  [[nodiscard]] index_t targets() const { return static_cast<index_t>(target_group_.size()); }
  [[nodiscard]] index_t parts() const { return parts_; }
  [[nodiscard]] index_t groups() const { return static_cast<index_t>(group_targets_.size()); }
  /// Targets of a group, in rising order: the columns of its moments.
  [[nodiscard]] const std::vector<index_t>& group_targets(index_t group) const {
    return group_targets_[static_cast<std::size_t>(group)];
  }
  /// Labelled rows of one part for one group of targets.
  [[nodiscard]] index_t rows(index_t part, index_t group = 0) const;
  /// Moments of the union of some parts (merged in the order given) for one group of targets; rows that wait
  /// in an unfinished leaf are included. The statistics stay as they are.
  [[nodiscard]] ridge_moments moments(std::span<const index_t> parts, index_t group = 0) const;
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

  index_t features_;
  index_t parts_;
  std::vector<index_t> target_group_;
  std::vector<std::vector<index_t>> group_targets_;
  std::vector<cell> cells_;  // (group, part)
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/ridge_statistics_impl.hpp>
#endif
