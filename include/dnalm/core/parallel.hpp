// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Run independent items on a number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Number of threads to use: the request, or all cores for 0.
[[nodiscard]] inline int thread_count(int requested) {
  if (requested > 0) return requested;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// Calls `work(item, worker)` once for every item in [0, items), on up to `threads` threads (0: all cores).
///
/// Items are handed out in order; which worker gets which is not fixed, so `work` must not let a result
/// depend on `worker` (use it for scratch memory only). The exception of the lowest failing item is rethrown
/// after all stop; items before it have all run. Cost: one thread start per worker; none when threads is 1.
template <class Work>
void parallel_for(index_t items, int threads, Work&& work) {
  const int workers = static_cast<int>(std::min<index_t>(thread_count(threads), items));
  if (workers <= 1) {
    for (index_t item = 0; item < items; ++item) work(item, 0);
    return;
  }
  std::atomic<index_t> next{0};
  std::atomic<index_t> failed{items};
  std::mutex guard;
  std::exception_ptr failure;
  const auto run = [&](int worker) {
    for (index_t item = next++; item < failed.load(); item = next++) {
      try {
        work(item, worker);
      } catch (...) {
        const std::lock_guard lock(guard);
        if (item < failed.load()) {
          failed = item;
          failure = std::current_exception();
        }
      }
    }
  };
  std::vector<std::jthread> pool;
  pool.reserve(static_cast<std::size_t>(workers - 1));
  for (int worker = 1; worker < workers; ++worker) pool.emplace_back(run, worker);
  run(0);
  pool.clear();
  if (failure) std::rethrow_exception(failure);
}

DNALM_END_NAMESPACE
