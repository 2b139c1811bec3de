// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Moves a mean towards that of other rows.
#pragma once

#include <cstddef>
#include <vector>

#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// mean += share (other - mean), and the difference itself.
[[nodiscard]] inline std::vector<double> shift_mean(std::vector<double>& mean,
                                                    const std::vector<double>& other, double share) {
  std::vector<double> difference(mean.size());
  for (std::size_t i = 0; i < mean.size(); ++i) {
    difference[i] = other[i] - mean[i];
    mean[i] += share * difference[i];
  }
  return difference;
}

}  // namespace detail
DNALM_END_NAMESPACE
