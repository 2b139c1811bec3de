// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Consecutive sequences that run together: as many tokens as the memory budget and the caches like.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Sequences [first, first + count).
struct sequence_chunk {
  index_t first = 0;
  index_t count = 0;
  index_t tokens = 0;
};

/// Bounds of a chunk; one sequence always fits.
struct chunk_limits {
  index_t tokens = 512;
  index_t sequences = 0;  ///< 0: no bound
};

/// Cuts `lengths` (tokens by sequence) into chunks, in order.
[[nodiscard]] inline std::vector<sequence_chunk> plan_chunks(const std::vector<index_t>& lengths,
                                                             const chunk_limits& limits) {
  std::vector<sequence_chunk> chunks;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    const bool open = !chunks.empty() && chunks.back().tokens + lengths[s] <= limits.tokens &&
                      (limits.sequences == 0 || chunks.back().count < limits.sequences);
    if (!open) chunks.push_back({static_cast<index_t>(s), 0, 0});
    chunks.back().count += 1;
    chunks.back().tokens += lengths[s];
  }
  return chunks;
}

}  // namespace detail
DNALM_END_NAMESPACE
