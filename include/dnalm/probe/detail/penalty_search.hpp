// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which penalties of a grid are tried, and which one wins.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

namespace detail {

/// Errors of a grid of penalties: errors[target][penalty], NaN where a penalty was not tried.
using penalty_errors = std::vector<std::vector<double>>;

/// Computes the errors of some penalties for all targets: result[target][i] belongs to indices[i].
using penalty_judge = std::function<penalty_errors(std::span<const std::size_t> indices)>;

/// The user's penalties in rising order, once each, or the default. \throws error [dnalm.usage.528].
[[nodiscard]] inline std::vector<double> usable_penalties(std::vector<double> asked,
                                                          std::vector<double> standard, bool zero_allowed) {
  if (asked.empty()) asked = std::move(standard);
  for (const double penalty : asked) {
    if (std::isfinite(penalty) && (penalty > 0 || (zero_allowed && penalty == 0))) continue;
    throw error(error_kind::usage, 528, "impossible penalty",
                {.expected = zero_allowed ? "finite numbers, zero or more" : "positive, finite numbers",
                 .found = std::to_string(penalty)});
  }
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  return asked;
}

/// Index of the smallest error; of equal ones the last (the largest penalty). NaN never wins.
[[nodiscard]] inline std::size_t smallest_error(const std::vector<double>& errors) {
  std::size_t best = errors.size() - 1;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = errors.size(); i-- > 0;) {
    if (errors[i] < least) {
      least = errors[i];
      best = i;
    }
  }
  return best;
}

inline void judge_penalties(const penalty_judge& judge_all, const std::set<std::size_t>& wanted,
                            penalty_errors& errors) {
  const std::vector<std::size_t> indices(wanted.begin(), wanted.end());
  if (indices.empty()) return;
  const auto found = judge_all(indices);
  for (std::size_t t = 0; t < errors.size(); ++t) {
    for (std::size_t i = 0; i < indices.size(); ++i) errors[t][indices[i]] = found[t][i];
  }
}

/// Tries the whole grid when that is cheap; otherwise every fourth penalty, then the three on either side of
/// each target's best.
[[nodiscard]] inline penalty_errors search_penalties(std::size_t penalties, std::size_t targets, bool cheap,
                                                     const penalty_judge& judge_all) {
  const double untried = std::numeric_limits<double>::quiet_NaN();
  penalty_errors errors(targets, std::vector<double>(penalties, untried));
  const std::size_t stride = cheap || penalties <= 12 ? 1 : 4;
  std::set<std::size_t> wanted{penalties - 1};
  for (std::size_t i = 0; i < penalties; i += stride) wanted.insert(i);
  judge_penalties(judge_all, wanted, errors);
  if (stride == 1) return errors;
  std::set<std::size_t> refined;
  for (const auto& column : errors) {
    const std::size_t best = smallest_error(column);
    for (std::size_t i = best > 3 ? best - 3 : 0; i <= std::min(best + 3, penalties - 1); ++i) {
      if (wanted.count(i) == 0) refined.insert(i);
    }
  }
  judge_penalties(judge_all, refined, errors);
  return errors;
}

}  // namespace detail

DNALM_END_NAMESPACE
