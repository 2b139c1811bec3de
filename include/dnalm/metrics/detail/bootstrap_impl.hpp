// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of metrics/bootstrap.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include <dnalm/core/error.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/metrics/bootstrap.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

DNALM_INLINE cluster_resampler::cluster_resampler(std::span<const index_t> cluster_of_row, std::uint64_t seed,
                                                  std::string_view stream)
    : seed_(seed), stream_(stream) {
  std::unordered_map<index_t, index_t> dense;
  cluster_.reserve(cluster_of_row.size());
  for (const index_t cluster : cluster_of_row) {
    cluster_.push_back(dense.try_emplace(cluster, static_cast<index_t>(dense.size())).first->second);
  }
  clusters_ = static_cast<index_t>(dense.size());
}

DNALM_INLINE void cluster_resampler::draw(index_t replicate, std::span<std::int32_t> counts) const {
  philox random(seed_, hash_name("bootstrap/" + stream_ + "/" + std::to_string(replicate)));
  std::vector<std::int32_t> drawn(static_cast<std::size_t>(clusters_), 0);
  for (index_t i = 0; i < clusters_; ++i) {
    ++drawn[static_cast<std::size_t>(random.below(static_cast<std::uint64_t>(clusters_)))];
  }
  for (std::size_t row = 0; row < cluster_.size(); ++row) {
    counts[row] = drawn[static_cast<std::size_t>(cluster_[row])];
  }
}

DNALM_INLINE interval percentile_interval(std::vector<double> values, double level) {
  const std::size_t asked = values.size();
  std::erase_if(values, [](double value) { return std::isnan(value); });
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  if (values.empty() || 2 * values.size() < asked) return {undefined, undefined};
  std::sort(values.begin(), values.end());
  const auto quantile = [&](double q) {
    const double place = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, values.size() - 1);
    const double share = place - static_cast<double>(below);
    return share > 0 ? values[below] + share * (values[above] - values[below]) : values[below];
  };
  return {quantile((1 - level) / 2), quantile((1 + level) / 2)};
}

DNALM_INLINE std::vector<interval> bootstrap_intervals(const bootstrap_options& options,
                                                       std::span<const index_t> cluster_of_row,
                                                       index_t metrics, const resample_scorer& scorer) {
  if (!(options.level > 0 && options.level < 1) || options.resamples < 0) {
    throw error(error_kind::usage, 504, "impossible bootstrap",
                {.expected = "a level between 0 and 1 and a non-negative number of resamples",
                 .found = std::to_string(options.level) + ", " + std::to_string(options.resamples)});
  }
  const cluster_resampler resampler(cluster_of_row, options.seed, options.stream);
  std::vector<std::vector<double>> values(static_cast<std::size_t>(metrics));
  std::vector<std::int32_t> counts(cluster_of_row.size());
  std::vector<double> scores(static_cast<std::size_t>(metrics));
  for (index_t replicate = 0; replicate < options.resamples; ++replicate) {
    resampler.draw(replicate, counts);
    scorer(counts, scores);
    for (std::size_t m = 0; m < scores.size(); ++m) values[m].push_back(scores[m]);
  }
  std::vector<interval> intervals;
  for (auto& column : values) intervals.push_back(percentile_interval(std::move(column), options.level));
  return intervals;
}

}  // namespace metrics

DNALM_END_NAMESPACE
