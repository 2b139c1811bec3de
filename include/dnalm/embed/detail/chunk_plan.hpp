// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What runs together: consecutive sequences, or consecutive windows of one long sequence; as many
/// tokens as the memory budget and the caches like.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Whole sequences [first, first + count); or, when `windows` is not 0, windows [first_window, first_window +
/// windows) of sequence `first`, which is complete after the chunk that is `last`.
struct sequence_chunk {
  index_t first = 0;
  index_t count = 0;
  index_t tokens = 0;
  index_t first_window = 0;
  index_t windows = 0;
  bool last = true;
};

/// Bounds of a chunk; one sequence or window always fits.
struct chunk_limits {
  index_t tokens = 192;
  index_t sequences = 0;  ///< 0: no bound; windows count as sequences
};

/// What a sequence brings into a batch: one run of `tokens`, or `windows` runs of as many each.
struct sequence_load {
  index_t tokens = 0;
  index_t windows = 0;  ///< 0: it runs whole
};

/// The chunks of one long sequence.
inline void cut_windows(const sequence_load& load, index_t sequence, const chunk_limits& limits,
                        std::vector<sequence_chunk>& chunks) {
  index_t most = std::max<index_t>(limits.tokens / std::max<index_t>(load.tokens, 1), 1);
  if (limits.sequences > 0) most = std::min(most, limits.sequences);
  for (index_t window = 0; window < load.windows; window += most) {
    const index_t count = std::min(most, load.windows - window);
    chunks.push_back({sequence, 1, count * load.tokens, window, count, window + count == load.windows});
  }
}

/// Cuts sequences into chunks, in order.
[[nodiscard]] inline std::vector<sequence_chunk> plan_chunks(const std::vector<sequence_load>& loads,
                                                             const chunk_limits& limits) {
  std::vector<sequence_chunk> chunks;
  for (std::size_t s = 0; s < loads.size(); ++s) {
    if (loads[s].windows > 0) {
      cut_windows(loads[s], static_cast<index_t>(s), limits, chunks);
      continue;
    }
    const bool open = !chunks.empty() && chunks.back().windows == 0 &&
                      chunks.back().tokens + loads[s].tokens <= limits.tokens &&
                      (limits.sequences == 0 || chunks.back().count < limits.sequences);
    if (!open) chunks.push_back({static_cast<index_t>(s), 0, 0});
    chunks.back().count += 1;
    chunks.back().tokens += loads[s].tokens;
  }
  return chunks;
}

/// Chunks for `workers`, none above the limits; of whole sequences (with windows those of plan_chunks) as
/// many for each worker and of about as many tokens each, where that needs no chunk more than workers - 1
/// beyond those of plan_chunks. Sequence s goes where its middle lies in as many equal shares of all tokens
/// as there are chunks.
[[nodiscard]] inline std::vector<sequence_chunk> plan_even_chunks(const std::vector<sequence_load>& loads,
                                                                  const chunk_limits& limits, int workers) {
  std::vector<sequence_chunk> filled = plan_chunks(loads, limits);
  const auto least = static_cast<index_t>(filled.size());
  const index_t count = (least + workers - 1) / workers * workers;
  index_t total = 0;
  bool whole = true;
  for (const sequence_load& load : loads) {
    total = checked_add(total, load.tokens);
    whole = whole && load.windows == 0;
  }
  if (count == least || total == 0 || !whole) return filled;
  std::vector<sequence_chunk> even;
  index_t before = 0;
  index_t last_share = -1;
  for (std::size_t s = 0; s < loads.size(); ++s) {
    const double middle = static_cast<double>(before) + static_cast<double>(loads[s].tokens) / 2;
    const auto share = static_cast<index_t>(middle * static_cast<double>(count) / static_cast<double>(total));
    if (share != last_share) even.push_back({static_cast<index_t>(s), 0, 0});
    last_share = share;
    even.back().count += 1;
    even.back().tokens += loads[s].tokens;
    before += loads[s].tokens;
  }
  const bool fits = std::all_of(even.begin(), even.end(), [&](const sequence_chunk& chunk) {
    const bool few = limits.sequences == 0 || chunk.count <= limits.sequences;
    return chunk.count == 1 || (few && chunk.tokens <= limits.tokens);
  });
  return fits ? even : filled;
}

}  // namespace detail
DNALM_END_NAMESPACE
