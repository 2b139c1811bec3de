// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Percentile intervals from resampled clusters.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/metrics/counts.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// A confidence interval; both ends NaN when it is undefined.
struct interval {
  double low = 0;
  double high = 0;
};

/// How intervals are made.
struct bootstrap_options {
  index_t resamples = 1000;  ///< 0: no intervals (NaN)
  double level = 0.95;       ///< in (0, 1)
  std::uint64_t seed = 1;
  std::string stream = {};  ///< usually the target's name; equal (seed, stream) draw the same resamples
};

/// Draws whole clusters with replacement: as many draws as there are clusters, every row of a drawn cluster
/// counted once per draw.
///
/// Resample b is a pure function of (seed, stream, b, number of clusters), so two representations scored on
/// the same rows see the same resamples and their difference is paired.
class cluster_resampler {
 public:
  /// `cluster_of_row`: any numbers; equal ones belong together. Empty clusters do not exist.
  cluster_resampler(std::span<const index_t> cluster_of_row, std::uint64_t seed, std::string_view stream);

  [[nodiscard]] index_t rows() const { return static_cast<index_t>(cluster_.size()); }
  [[nodiscard]] index_t clusters() const { return clusters_; }
  /// Writes how often every row counts in resample `replicate`; `counts` has rows() entries.
  void draw(index_t replicate, std::span<std::int32_t> counts) const;

 private:
  std::vector<index_t> cluster_;  // dense numbers by first appearance
  index_t clusters_ = 0;
  std::uint64_t seed_;
  std::string stream_;
};

/// Percentile interval of values, NaN values left out: linear interpolation between order statistics at
/// (1 - level) / 2 and (1 + level) / 2. Undefined when fewer than half of the values are defined.
[[nodiscard]] interval percentile_interval(std::vector<double> values, double level);

/// Writes the metrics of one resample, given how often each row counts.
using resample_scorer = std::function<void(row_counts counts, std::span<double> scores)>;

/// Intervals of `metrics` scores over options.resamples cluster resamples.
/// \throws error [dnalm.usage.504] for a level outside (0, 1) or a negative number of resamples. Cost:
/// resamples x (rows + scorer).
[[nodiscard]] std::vector<interval> bootstrap_intervals(const bootstrap_options& options,
                                                        std::span<const index_t> cluster_of_row,
                                                        index_t metrics, const resample_scorer& scorer);

}  // namespace metrics

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/metrics/detail/bootstrap_impl.hpp>
#endif
