// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What both writers of tracks check of their intervals.
#pragma once

#include <cmath>
#include <set>
#include <span>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/io/track.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {
namespace detail {

/// \throws error [dnalm.usage.159] unless each chromosome's intervals stand together, in order, without
/// overlaps, each with a base and a finite value, below base 2^32.
inline void check_track_order(std::span<const track_interval> intervals) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const track_interval& now = intervals[i];
    const bool goes_on = i > 0 && intervals[i - 1].chromosome == now.chromosome;
    const index_t least = goes_on ? intervals[i - 1].end : 0;
    const bool fits = now.start >= least && now.end > now.start && now.end < (index_t{1} << 32) &&
                      std::isfinite(static_cast<float>(now.value));
    bool named = !now.chromosome.empty();
    for (const char c : now.chromosome) named = named && static_cast<unsigned char>(c) > 0x20 && c != 0x7F;
    if (fits && named && (goes_on || seen.insert(now.chromosome).second)) continue;
    throw error(error_kind::usage, 159, "an interval that cannot stand in a track",
                {.where = "interval " + std::to_string(i + 1) + ", \"" + now.chromosome + "\", " +
                          std::to_string(now.start) + " to " + std::to_string(now.end),
                 .expected = "intervals in order, without overlaps, a chromosome's all together, with finite "
                             "values (of float)"});
  }
}

}  // namespace detail
}  // namespace io
DNALM_END_NAMESPACE
