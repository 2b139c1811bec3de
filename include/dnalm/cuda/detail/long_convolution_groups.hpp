// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The sequences of a batch by their filters.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/causal_filter.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Sequences that share a filter.
struct filter_group {
  const cuda_causal_filter* filter = nullptr;
  std::vector<index_t> sequences = {};
  index_t longest = 0;
};

/// Those of a batch that have rows, groups in the order of their first sequence.
[[nodiscard]] inline std::vector<filter_group> groups_of_filters(
    std::span<const cuda_causal_filter* const> filters, const ragged_offsets& offsets) {
  std::vector<filter_group> groups;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    if (offsets.length(s) == 0) continue;
    const cuda_causal_filter* filter = filters[static_cast<std::size_t>(s)];
    auto group =
        std::find_if(groups.begin(), groups.end(), [&](const filter_group& g) { return g.filter == filter; });
    if (group == groups.end()) group = groups.insert(group, {filter, {}, 0});
    group->sequences.push_back(s);
    group->longest = std::max(group->longest, offsets.length(s));
  }
  return groups;
}

}  // namespace detail
DNALM_END_NAMESPACE
