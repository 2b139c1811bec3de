// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What every metric checks of its arguments, and the NaN policy.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

namespace metrics {

/// What a metric does with a pair that holds a NaN: refuse it, leave the pair out, or return NaN.
enum class nan_policy { error, omit, propagate };

/// \throws error [dnalm.shape.500] unless both spans have the same, non-zero length.
inline void check_same_length(std::span<const double> a, std::span<const double> b, const char* metric) {
  if (a.size() == b.size() && !a.empty()) return;
  throw error(error_kind::shape, 500, "a metric needs two equally long, non-empty columns",
              {.where = metric,
               .expected = "as many predictions as labels, at least one",
               .found = std::to_string(a.size()) + " labels, " + std::to_string(b.size()) + " predictions"});
}

/// \throws error [dnalm.numeric.501] when a value is NaN.
inline void check_no_nan(std::span<const double> values, const char* metric) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) continue;
    throw error(error_kind::numeric, 501, "a metric met a NaN",
                {.where = metric, .expected = "numbers", .found = "NaN at position " + std::to_string(i)});
  }
}

/// Two columns after a NaN policy was applied.
struct paired_columns {
  std::vector<double> first;
  std::vector<double> second;
  bool is_nan = false;  ///< the policy is `propagate` and there was a NaN: the metric is NaN
};

/// Copies of two equally long columns under a NaN policy. \throws error [dnalm.shape.500],
/// [dnalm.numeric.501].
[[nodiscard]] inline paired_columns apply_nan_policy(std::span<const double> a, std::span<const double> b,
                                                     nan_policy policy, const char* metric) {
  check_same_length(a, b, metric);
  if (policy == nan_policy::error) {
    check_no_nan(a, metric);
    check_no_nan(b, metric);
  }
  paired_columns kept;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) {
      kept.is_nan = kept.is_nan || policy == nan_policy::propagate;
      continue;
    }
    kept.first.push_back(a[i]);
    kept.second.push_back(b[i]);
  }
  return kept;
}

}  // namespace metrics

DNALM_END_NAMESPACE
