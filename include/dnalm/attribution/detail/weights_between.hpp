// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Points on the straight way between two sets of nucleotide weights.
#pragma once

#include <cstddef>

#include <dnalm/attribution/nucleotide_input.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// r + t (x - r); x has no reference token, whose weight falls from that in r to 0.
[[nodiscard]] inline nucleotide_weights weights_between(const nucleotide_map& x, const nucleotide_weights& r,
                                                        double t) {
  nucleotide_weights mixed = r;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    mixed.letters.values[i] += t * (x.values[i] - r.letters.values[i]);
  }
  for (double& q : mixed.rest) q *= 1 - t;
  return mixed;
}

}  // namespace detail
DNALM_END_NAMESPACE
