// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Many independent passes of a model: which of them share a batch, and on which threads they run.
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include <dnalm/core/parallel.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/embed/detail/chunk_plan.hpp>
#include <dnalm/embed/detail/device_memory.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// With which means passes run; the numbers do not depend on it.
struct pass_means {
  int threads = 0;                    ///< the calling one among them; 0: all cores
  index_t memory = index_t{1} << 30;  ///< budget, bytes, as embed_options::memory; one pass always runs
  index_t batch_sequences = 0;        ///< most passes of a batch; 0: as many as the budget allows
};

/// Tokens of a batch: as many as the network prefers, fewer when a thread's share of the budget is smaller.
[[nodiscard]] inline chunk_limits pass_limits(const model& network, const pass_means& means, int threads) {
  chunk_limits limits{network.prefers().tokens, means.batch_sequences};
  const index_t share = means.memory / threads;
  while (limits.tokens > 1 && network.workspace_bytes(limits.tokens, limits.tokens, true) > share) {
    limits.tokens /= 2;
  }
  return limits;
}

/// Passes [first, first + count) as one batch; in halves where a device has no memory for it.
template <class Work>
void run_passes(const model& network, index_t first, index_t count, forward_workspace& workspace,
                const Work& work) {
  try {
    work(first, count, workspace);
    return;
  } catch (const error& e) {
    if (!wants_device_memory(e) || count < 2 || !network.prefers().splits) throw;
  }
  workspace.release();
  run_passes(network, first, count / 2, workspace, work);
  run_passes(network, first + count / 2, count - count / 2, workspace, work);
}

/// Calls `work(first, count, workspace)` for consecutive passes, of tokens[i] tokens each, until all have
/// run; side by side on up to `means.threads` threads, or all threads on one batch where there are few.
/// Results of a pass must go to a place of its own.
template <class Work>
void for_all_passes(const model& network, std::span<const index_t> tokens, pass_means means,
                    const Work& work) {
  means.memory = std::max<index_t>(std::max<index_t>(means.memory, 0) - network.kept_bytes(tokens), 0);
  const int most = network.prefers().workers;
  const int asked = thread_count(means.threads);
  const int threads = most == 0 ? asked : std::min(asked, most);
  std::vector<sequence_load> loads;
  for (const index_t count : tokens) loads.push_back({count, 0});
  const auto chunks = plan_chunks(loads, pass_limits(network, means, threads));
  const auto items = static_cast<index_t>(chunks.size());
  thread_team team(network.works_on_teams() && 2 * items <= threads ? threads : 1);
  const int workers = team.members() > 1 ? 1 : static_cast<int>(std::min<index_t>(threads, items));
  std::vector<forward_workspace> workspaces(static_cast<std::size_t>(workers), forward_workspace(team));
  parallel_for(items, workers, [&](index_t item, int worker) {
    const sequence_chunk& chunk = chunks[static_cast<std::size_t>(item)];
    forward_workspace& workspace = workspaces[static_cast<std::size_t>(worker)];
    const index_t longest =
        *std::max_element(tokens.begin() + chunk.first, tokens.begin() + chunk.first + chunk.count);
    workspace.set_piece(network.piece_within(means.memory / workers, chunk.tokens, longest, true));
    run_passes(network, chunk.first, chunk.count, workspace, work);
  });
}

}  // namespace detail
DNALM_END_NAMESPACE
