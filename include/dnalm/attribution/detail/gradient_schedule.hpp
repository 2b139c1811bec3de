// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which sequences run together through a model's gradients, on how many threads, in whose memory.
#pragma once

#include <algorithm>
#include <limits>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/parallel.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/core/thread_team.hpp>
#include <dnalm/embed/detail/chunk_plan.hpp>
#include <dnalm/models/gradient_request.hpp>
#include <dnalm/models/model.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Workspaces between calls: their memory is taken from the system once. For several threads.
class workspace_store {
 public:
  /// `keeps`: false where memory is short (a GPU's) or no call follows.
  explicit workspace_store(bool keeps) : keeps_(keeps) {}
  /// An idle one, or a new one.
  [[nodiscard]] forward_workspace take() {
    const std::scoped_lock guard(mutex_);
    if (idle_.empty()) return {};
    forward_workspace found = std::move(idle_.back());
    idle_.pop_back();
    return found;
  }
  void give_back(forward_workspace workspace) {
    if (!keeps_) return;
    workspace.join(nullptr);
    const std::scoped_lock guard(mutex_);
    idle_.push_back(std::move(workspace));
  }

 private:
  bool keeps_;
  std::mutex mutex_;
  std::vector<forward_workspace> idle_;
};

/// Some workspaces of a store, for the time of a call.
class lent_workspaces {
 public:
  lent_workspaces(workspace_store& store, int count, thread_team& team) : store_(store) {
    for (int i = 0; i < count; ++i) {
      lent_.push_back(store.take());
      lent_.back().join(&team);
    }
  }
  ~lent_workspaces() {
    for (forward_workspace& workspace : lent_) store_.give_back(std::move(workspace));
  }
  lent_workspaces(const lent_workspaces&) = delete;
  lent_workspaces& operator=(const lent_workspaces&) = delete;
  [[nodiscard]] forward_workspace& of(int worker) { return lent_[static_cast<std::size_t>(worker)]; }

 private:
  workspace_store& store_;
  std::vector<forward_workspace> lent_;
};

/// Rows that go through the adjoints together: linear_vjp turns a weight anew for each 576 rows.
inline constexpr index_t gradient_rows = 576;

/// Bound of a batch that cuts `rows` into as many for each thread, none of more than gradient_rows unless the
/// network prefers so.
[[nodiscard]] inline index_t rows_of_batch(index_t rows, index_t preferred, int threads) {
  const index_t most = std::max(preferred, gradient_rows);
  const index_t rounds = std::max<index_t>((rows / threads + most - 1) / most, 1);
  return std::clamp((rows + rounds * threads - 1) / (rounds * threads), preferred, most);
}

/// What gradients of a batch of at most so many tokens take: a smaller one may keep more of its forward pass
/// and take more, but no more than all of it, nor more than the budget beside what must be kept.
[[nodiscard]] inline index_t most_gradient_bytes(const model& network, gradient_request extent,
                                                 index_t tokens) {
  const index_t budget = extent.keep_bytes;
  extent.keep_bytes = std::numeric_limits<index_t>::max();
  const index_t all = network.gradient_bytes(extent, tokens, tokens);
  extent.keep_bytes = 0;
  return std::min(all, checked_add(network.gradient_bytes(extent, tokens, tokens), budget));
}

/// How the items of one call run.
struct gradient_schedule {
  std::vector<sequence_chunk> chunks = {};
  index_t keep_bytes = 0;  ///< gradient_request::keep_bytes of each
  int threads = 1;
  bool teams = false;  ///< whether all threads share the work of each chunk
};

/// A schedule of sequences of so many tokens, whose gradients, or whose values alone, `extent` says;
/// `numbers` are those of the sequences in the caller's list, from 0. \throws sequence_error as
/// model::inner_rows.
[[nodiscard]] inline gradient_schedule schedule_gradients(const model& network,
                                                          std::span<const index_t> lengths,
                                                          std::span<const index_t> numbers,
                                                          gradient_request extent, int threads,
                                                          index_t memory) {
  std::vector<sequence_load> loads;
  index_t rows = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const index_t inner = about_sequence(
        numbers[i], [&](const std::string& where) { return network.inner_rows(lengths[i], where); });
    loads.push_back({inner, 0});
    rows += loads.back().tokens;
  }
  gradient_schedule schedule;
  const int most = network.prefers().workers;
  const int wanted = thread_count(threads);
  schedule.threads = most == 0 ? wanted : std::min(wanted, most);
  const index_t left = std::max<index_t>(memory, 0) - network.kept_bytes(lengths);
  const index_t share = std::max<index_t>(left, 0) / schedule.threads;
  schedule.keep_bytes = extent.keep_bytes = std::min(default_keep_bytes, share / 2);
  chunk_limits limits{.tokens = rows_of_batch(rows, network.prefers().tokens, schedule.threads)};
  const auto too_large = [&] { return most_gradient_bytes(network, extent, limits.tokens) > share; };
  while (limits.tokens > 1 && too_large()) limits.tokens /= 2;
  schedule.chunks = plan_even_chunks(loads, limits, schedule.threads);
  const auto items = static_cast<index_t>(schedule.chunks.size());
  schedule.teams = network.works_on_teams() && 2 * items <= schedule.threads;
  return schedule;
}

/// Calls run(chunk, workspace) for every chunk, several at a time.
template <class Run>
void run_schedule(const gradient_schedule& schedule, workspace_store& store, Run&& run) {
  const auto items = static_cast<index_t>(schedule.chunks.size());
  thread_team team(schedule.teams ? schedule.threads : 1);
  const int workers = team.members() > 1 ? 1 : static_cast<int>(std::min<index_t>(schedule.threads, items));
  lent_workspaces workspaces(store, std::max(workers, 1), team);
  parallel_for(items, workers, [&](index_t item, int worker) {
    run(schedule.chunks[static_cast<std::size_t>(item)], workspaces.of(worker));
  });
}

/// The request of values of a hidden state, which `take` gets: a pass as far as it, without gradients.
template <class Take>
[[nodiscard]] gradient_request values_request(index_t state, Take take) {
  gradient_request request;
  request.layers = {state};
  request.keep_bytes = 0;
  request.backward = false;
  request.states = [state, take](index_t layer, matrix_view<const float> hidden) {
    if (layer == state) take(hidden);
  };
  return request;
}

}  // namespace detail
DNALM_END_NAMESPACE
