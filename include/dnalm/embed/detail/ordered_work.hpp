// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Work on several threads whose results are delivered in order on the calling thread.
#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <dnalm/core/parallel.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Makes Result(item) for items 0, 1, ... on `threads` workers and gives each to `deliver` in order.
///
/// At most 2 x threads results exist at a time. The exception of the lowest failing item, or of deliver, is
/// rethrown after the workers have stopped; every item before it has been delivered.
template <class Result, class Make, class Deliver>
void ordered_work(index_t items, int threads, Make&& make, Deliver&& deliver) {
  const int workers = static_cast<int>(std::min<index_t>(thread_count(threads), items));
  if (workers <= 1) {
    for (index_t item = 0; item < items; ++item) deliver(item, make(item, 0));
    return;
  }
  struct outcome {
    Result result;
    std::exception_ptr failure;
  };
  std::mutex guard;
  std::condition_variable made;
  std::condition_variable room;
  std::map<index_t, outcome> waiting;
  index_t next = 0;
  index_t delivered = 0;
  bool stop = false;

  const auto run = [&](int worker) {
    while (true) {
      index_t item = 0;
      {
        std::unique_lock lock(guard);
        room.wait(lock, [&] { return stop || next >= items || next < delivered + 2 * workers; });
        if (stop || next >= items) return;
        item = next++;
      }
      outcome done{};
      try {
        done.result = make(item, worker);
      } catch (...) {
        done.failure = std::current_exception();
      }
      const std::lock_guard lock(guard);
      waiting.emplace(item, std::move(done));
      made.notify_one();
    }
  };
  const auto halt = [&] {
    const std::lock_guard lock(guard);
    stop = true;
    room.notify_all();
  };

  std::vector<std::jthread> pool;
  for (int worker = 0; worker < workers; ++worker) pool.emplace_back(run, worker);
  try {
    for (index_t item = 0; item < items; ++item) {
      outcome done{};
      {
        std::unique_lock lock(guard);
        made.wait(lock, [&] { return waiting.contains(item); });
        done = std::move(waiting.extract(item).mapped());
      }
      if (done.failure) std::rethrow_exception(done.failure);
      deliver(item, std::move(done.result));
      const std::lock_guard lock(guard);
      ++delivered;
      room.notify_all();
    }
  } catch (...) {
    halt();
    throw;  // the pool joins while the exception passes
  }
}

}  // namespace detail
DNALM_END_NAMESPACE
