// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The worst of some deltas.
#pragma once

#include <cmath>
#include <span>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The largest number in size, with its sign, of equals the first; NaN if there is one; 0 of none.
[[nodiscard]] inline double largest_delta_of(std::span<const double> deltas) {
  double largest = 0.0;
  for (const double delta : deltas) {
    if (std::isnan(delta)) return delta;
    if (std::abs(delta) > std::abs(largest)) largest = delta;
  }
  return largest;
}

}  // namespace detail
DNALM_END_NAMESPACE
