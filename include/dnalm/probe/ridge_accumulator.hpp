// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Who gathers the moments of a stream of rows for ridge probes, on the CPU or elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/probe/ridge_moments.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Which targets miss the same rows: target t belongs to group result[t], groups numbered by first
/// appearance. labels: (rows, T), NaN = missing. One group when nothing is missing. Cost: O(rows T) plus
/// comparisons.
[[nodiscard]] std::vector<index_t> missingness_groups(matrix_view<const double> labels);

/// Sizes of streamed moments.
struct ridge_shape {
  index_t features = 0;
  index_t targets = 0;
  index_t parts = 0;
  std::vector<index_t> target_group = {};  ///< as missingness_groups gives it; empty: one group
};

/// Rows (n, D) in the memory of a GPU, finite. Who reads them in a stream keeps `owner` until that is done.
struct owned_device_rows {
  matrix_view<const float, memory_space::device> rows = {};
  std::shared_ptr<const void> owner = {};
};

/// Gathers ridge_moments of a stream of rows, one set per part (fold, split, group) and group of targets.
///
/// Targets that miss the same rows share one set of moments (see missingness_groups); each group uses the
/// rows where its targets are labelled. The bits of the moments depend only on the order of a part's rows.
class ridge_accumulator {
 public:
  /// \throws error [dnalm.shape.520] for a shape without features, targets or parts, or for groups that are
  /// not numbered by first appearance.
  explicit ridge_accumulator(const ridge_shape& shape);
  virtual ~ridge_accumulator() = default;

  /// Adds rows. x: (n, D); y: (n, T); part: (n) numbers in [0, parts), -1 leaves a row out; weight: (n)
  /// positive or empty (all 1). \throws error [dnalm.shape.520] when sizes differ, [dnalm.numeric.521] for a
  /// NaN or infinity in x (rows left out included), [dnalm.input.536] for an infinite label or for one of a
  /// group's targets missing where another is present, [dnalm.usage.541] for a weight that is not positive
  /// and finite.
  virtual void add(matrix_view<const float> x, matrix_view<const double> y, std::span<const index_t> part,
                   std::span<const double> weight = {}) = 0;
  /// The GPU from whose memory it takes rows too; none: only from the host.
  [[nodiscard]] virtual std::optional<int> device() const { return {}; }
  /// As add, with the same bits, of rows on that GPU. Their numbers are not looked at: should one not be
  /// finite, `moments` says so. \throws as add; error [dnalm.internal.661] without such a GPU.
  virtual void add_on_device(const owned_device_rows& x, matrix_view<const double> y,
                             std::span<const index_t> part, std::span<const double> weight = {});
  /// Labelled rows of one part for one group of targets. \throws error [dnalm.shape.520]
  [[nodiscard]] virtual index_t rows(index_t part, index_t group = 0) const = 0;
  /// Moments of the union of some parts (merged in the order given) for one group of targets; all rows so far
  /// are included, what is gathered stays as it is. May be called from several threads, but not while rows
  /// are added. \throws error [dnalm.shape.520]
  [[nodiscard]] virtual ridge_moments moments(std::span<const index_t> parts, index_t group = 0) const = 0;

  [[nodiscard]] index_t features() const { return features_; }
  [[nodiscard]] index_t targets() const { return static_cast<index_t>(target_group_.size()); }
  [[nodiscard]] index_t parts() const { return parts_; }
  [[nodiscard]] index_t groups() const { return static_cast<index_t>(group_targets_.size()); }
  /// Targets of a group, in rising order: the columns of its moments.
  [[nodiscard]] const std::vector<index_t>& group_targets(index_t group) const {
    return group_targets_[static_cast<std::size_t>(group)];
  }

 protected:
  ridge_accumulator(const ridge_accumulator&) = default;
  ridge_accumulator(ridge_accumulator&&) = default;
  ridge_accumulator& operator=(const ridge_accumulator&) = default;
  ridge_accumulator& operator=(ridge_accumulator&&) = default;

  /// \throws as add, of all that concerns sizes
  void check_sizes(index_t rows, index_t columns, matrix_view<const double> y, std::span<const index_t> part,
                   std::span<const double> weight) const;
  /// The weight of a row. \throws as add, of its part and weight
  [[nodiscard]] double checked_weight(index_t row, std::span<const index_t> part,
                                      std::span<const double> weight) const;
  /// Whether a group's targets are labelled in a row. \throws as add, of labels
  [[nodiscard]] bool is_labelled(vector_view<const double> y, index_t group) const;
  /// \throws error [dnalm.shape.520]
  void check_cell(index_t part, index_t group) const;

 private:
  index_t features_;
  index_t parts_;
  std::vector<index_t> target_group_;
  std::vector<std::vector<index_t>> group_targets_;
};

/// Makes accumulators of one kind.
class ridge_accumulator_maker {
 public:
  virtual ~ridge_accumulator_maker() = default;
  /// True when `count` accumulators of a shape have the memory they need, beside what is in use already.
  [[nodiscard]] virtual bool fits(const ridge_shape& shape, index_t count) const = 0;
  /// As ridge_accumulator::device of what it makes.
  [[nodiscard]] virtual std::optional<int> device() const { return {}; }
  [[nodiscard]] virtual std::unique_ptr<ridge_accumulator> make(const ridge_shape& shape) const = 0;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/probe/detail/ridge_accumulator_impl.hpp>
#endif
