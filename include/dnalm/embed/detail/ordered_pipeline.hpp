// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Workers make results in any order, the calling thread (one of them) takes them in order, a bounded
/// number waits.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <dnalm/core/parallel.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// `make(item, worker)` on up to `threads` workers, `take(item, result)` on the calling thread for 0, 1, ...
///
/// The calling thread is worker 0: it makes results while the next one to take is not there, so that no more
/// than `threads` threads run, and `threads` - 1 are started. At most `window` items are made and not yet
/// taken. The exception of the lowest failing item is rethrown after the items before it were taken; an
/// exception of `take` ends the work at once.
template <class Result>
class ordered_pipeline {
 public:
  ordered_pipeline(index_t items, int threads, index_t window)
      : items_(items),
        workers_(static_cast<int>(std::min<index_t>(thread_count(threads), items))),
        window_(std::max<index_t>(window, 1)),
        slots_(static_cast<std::size_t>(std::min(items, window_))) {}

  template <class Make, class Take>
  void run(Make&& make, Take&& take) {
    if (workers_ <= 1) {
      for (index_t item = 0; item < items_; ++item) take(item, make(item, 0));
      return;
    }
    std::vector<std::jthread> pool;
    const stopper stop_at_exit{*this};
    for (int worker = 1; worker < workers_; ++worker) {
      pool.emplace_back([this, &make, worker] { work(make, worker); });
    }
    for (index_t item = 0; item < items_; ++item) {
      help_until_ready(item, make);
      take(item, take_out(item));
    }
  }

 private:
  struct slot {
    std::optional<Result> result = {};
    std::exception_ptr failure = {};
  };
  /// Sends the workers home when run() is left, however it is left; destroyed before the pool is joined.
  struct stopper {
    ordered_pipeline& pipeline;
    ~stopper() {
      const std::lock_guard lock(pipeline.guard_);
      pipeline.stopped_ = true;
      pipeline.room_.notify_all();
    }
  };

  template <class Make>
  void work(Make& make, int worker) {
    while (true) {
      index_t item = 0;
      {
        std::unique_lock lock(guard_);
        room_.wait(lock, [this] { return stopped_ || next_ >= items_ || has_room(); });
        if (stopped_ || next_ >= items_) return;
        item = next_++;
      }
      make_one(make, item, worker);
    }
  }
  template <class Make>
  void make_one(Make& make, index_t item, int worker) {
    slot made;
    try {
      made.result.emplace(make(item, worker));
    } catch (...) {
      made.failure = std::current_exception();
    }
    const std::lock_guard lock(guard_);
    slot_of(item) = std::move(made);
    ready_.notify_all();
  }
  [[nodiscard]] bool has_room() const { return next_ < items_ && next_ < taken_ + window_; }
  [[nodiscard]] bool is_ready(index_t item) {
    const slot& place = slot_of(item);
    return place.result.has_value() || place.failure;
  }
  /// Makes results, as worker 0, until that of `item` is there.
  template <class Make>
  void help_until_ready(index_t item, Make& make) {
    std::unique_lock lock(guard_);
    while (!is_ready(item)) {
      if (!has_room()) {
        ready_.wait(lock, [&] { return is_ready(item); });
        return;
      }
      const index_t mine = next_++;
      lock.unlock();
      make_one(make, mine, 0);
      lock.lock();
    }
  }
  [[nodiscard]] Result take_out(index_t item) {
    const std::lock_guard lock(guard_);
    slot& place = slot_of(item);
    if (place.failure) std::rethrow_exception(place.failure);
    Result result = std::move(*place.result);
    place = slot{};
    ++taken_;
    room_.notify_all();
    return result;
  }
  [[nodiscard]] slot& slot_of(index_t item) { return slots_[static_cast<std::size_t>(item) % slots_.size()]; }

  index_t items_;
  int workers_;
  index_t window_;
  std::vector<slot> slots_;
  std::mutex guard_;
  std::condition_variable room_;
  std::condition_variable ready_;
  index_t next_ = 0;
  index_t taken_ = 0;
  bool stopped_ = false;
};

}  // namespace detail
DNALM_END_NAMESPACE
