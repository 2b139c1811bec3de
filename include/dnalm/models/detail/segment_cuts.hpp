// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where a list of steps is cut into segments whose insides are computed again for a gradient.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// What the adjoints need of one step. It makes one value.
struct recorded_step {
  index_t value = 0;     ///< numbers of the value
  index_t before = 0;    ///< numbers that its function reads
  index_t last_use = 0;  ///< the last step that reads the value; the step itself or less: none
  bool stays = false;    ///< the value stays wherever the cuts are
};

/// What the steps from `first` to the one before `end` keep.
struct segment_record {
  index_t inside = 0;    ///< numbers that nobody outside needs
  index_t crossing = 0;  ///< numbers of values that later steps read

  /// Takes one more step in at the front.
  void add(const recorded_step& step, index_t end) {
    inside = checked_add(inside, step.before);
    if (step.stays) return;
    index_t& part = step.last_use >= end ? crossing : inside;
    part = checked_add(part, step.value);
  }
};

/// What segment [first, end) keeps.
[[nodiscard]] inline segment_record record_of(std::span<const recorded_step> steps, index_t first,
                                              index_t end) {
  segment_record record;
  for (index_t i = first; i < end; ++i) record.add(steps[static_cast<std::size_t>(i)], end);
  return record;
}

/// The first steps of segments none of which has more than `most` numbers inside, such that the fewest
/// numbers cross; and how many cross.
struct segment_cuts {
  std::vector<index_t> first = {};
  index_t crossing = 0;
};
[[nodiscard]] inline segment_cuts cuts_within(std::span<const recorded_step> steps, index_t most) {
  constexpr index_t none = std::numeric_limits<index_t>::max();
  std::vector<index_t> crossing(steps.size() + 1, none);  // by end, of the best cuts before it
  std::vector<index_t> begin(steps.size() + 1, 0);        // of the segment before that end
  crossing[0] = 0;
  for (std::size_t end = 1; end <= steps.size(); ++end) {
    segment_record record;
    for (std::size_t first = end; first-- > 0;) {
      record.add(steps[first], static_cast<index_t>(end));
      if (record.inside > most) break;
      if (crossing[first] == none) continue;
      const index_t all = checked_add(crossing[first], record.crossing);
      if (all > crossing[end]) continue;
      crossing[end] = all;
      begin[end] = static_cast<index_t>(first);
    }
  }
  segment_cuts cuts{{}, crossing.back()};
  if (crossing.back() == none) return cuts;
  for (index_t end = static_cast<index_t>(steps.size()); end > 0;) {
    end = begin[static_cast<std::size_t>(end)];
    cuts.first.push_back(end);
  }
  std::reverse(cuts.first.begin(), cuts.first.end());
  return cuts;
}

/// The first steps of segments such that the numbers that cross the cuts, and those inside the largest
/// segment, are few. Of a chain of n values of one size about 2 n^(1/2) values. The largest segment's bound
/// is tried from the smallest that is possible on, each 1/8 larger than the one before. Takes time that grows
/// with the square of the steps.
[[nodiscard]] inline std::vector<index_t> cut_segments(std::span<const recorded_step> steps) {
  index_t least = 1;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto first = static_cast<index_t>(i);
    least = std::max(least, record_of(steps, first, first + 1).inside);
  }
  const index_t whole = record_of(steps, 0, static_cast<index_t>(steps.size())).inside;
  std::vector<index_t> best = {0};
  index_t fewest = whole;
  for (index_t most = least; most < whole; most += most / 8 + 1) {
    segment_cuts cuts = cuts_within(steps, most);
    if (cuts.first.empty() || checked_add(cuts.crossing, most) >= fewest) continue;
    fewest = cuts.crossing + most;
    best = std::move(cuts.first);
  }
  return best;
}

}  // namespace detail
DNALM_END_NAMESPACE
