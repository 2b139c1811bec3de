// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Numbers along chromosomes: windows with a value for each base, joined into one track.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// A value for each base of a window; NaN says that a base has none.
struct track_window {
  std::string chromosome = {};
  index_t start = 0;  ///< of the first value, from 0
  std::vector<double> values = {};
};

/// One value of the bases [start, end).
struct track_interval {
  std::string chromosome = {};
  index_t start = 0;  ///< from 0
  index_t end = 0;
  double value = 0;
};

/// Which value a base has that several windows cover.
enum class overlap_rule {
  mean,      ///< the mean of all windows that have a value there
  midpoint,  ///< that of the window whose middle is nearest, of equally near ones the earlier: an overlap of
             ///< two windows of one length is cut in its middle
  max        ///< the value of the largest magnitude; of x and -x the positive one
};

/// Name of a rule as the programs write it.
[[nodiscard]] constexpr std::string_view to_string(overlap_rule rule) {
  switch (rule) {
    case overlap_rule::mean: return "mean";
    case overlap_rule::midpoint: return "midpoint";
    case overlap_rule::max: return "max";
  }
  return "?";
}

/// Joins windows into intervals without overlaps, sorted by chromosome (as bytes) and start; neighbours with
/// the same value are one interval. Bitwise the same for any order of the windows.
/// \throws error [dnalm.input.158] for a chromosome without a name or with blanks in it, a start below 0, an
/// end beyond 2^32 - 1 (the formats' limit), or an infinite value. Cost: O(n log n) for n bases.
[[nodiscard]] std::vector<track_interval> join_windows(std::span<const track_window> windows,
                                                       overlap_rule rule);

/// A place on a chromosome as sequence names state it.
struct track_region {
  std::string chromosome = {};
  index_t start = 0;  ///< from 0
  index_t end = 0;
  bool reverse = false;
};

/// Reads `chr:start-end`, perhaps with `(+)` or `(-)` behind it. The sequence's length tells the convention:
/// end - start (counted from 0, the end left out, as bedtools writes it) or end - start + 1 (from 1, the end
/// included, as samtools does). Nothing where the name is no region of this length.
[[nodiscard]] std::optional<track_region> region_of_name(std::string_view name, index_t length);

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/track_impl.hpp>
#endif
