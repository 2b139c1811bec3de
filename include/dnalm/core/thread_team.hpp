// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A small team of threads that stays: forks and joins many times within one computation.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// The calling thread and `members() - 1` others, which sleep between calls of `run`. Neither copied nor
/// moved.
///
/// For work that is cut into parts hundreds of times a second, where parallel_for would start threads anew.
/// A thread that has nothing to do spins for some microseconds, then sleeps. One caller at a time.
class thread_team {
 public:
  /// `threads` members, the caller among them (0: all cores). One member: no thread is started.
  explicit thread_team(int threads) : members_(thread_count(threads)) {
    others_.reserve(static_cast<std::size_t>(members_ - 1));
    for (int member = 1; member < members_; ++member) start(member);
  }
  thread_team(const thread_team&) = delete;
  thread_team& operator=(const thread_team&) = delete;
  ~thread_team() { dismiss(); }

  [[nodiscard]] int members() const { return members_; }

  /// Calls `work(part, member)` once for every part in [0, parts) and returns when all are done; the caller
  /// is member 0 and works too.
  ///
  /// Parts are handed out in order; which member gets which is not fixed, so `work` must not let a result
  /// depend on `member` (use it for scratch memory only). What the caller wrote before is seen by all
  /// members, and what they wrote is seen by the caller afterwards. The exception of the lowest failing part
  /// is rethrown; parts before it have all run. \throws error [dnalm.usage.111] when called while a call
  /// runs: from within `work`, or from another thread. Cost: one or two microseconds per call while the
  /// members spin; one part, or one member: a plain loop.
  template <class Work>
  void run(index_t parts, Work&& work) {
    const in_use guard(*this);
    if (members_ == 1 || parts <= 1) {
      for (index_t part = 0; part < parts; ++part) work(part, 0);
      return;
    }
    work_ = const_cast<void*>(static_cast<const void*>(std::addressof(work)));
    call_ = [](void* what, index_t part, int member) {
      (*static_cast<std::remove_reference_t<Work>*>(what))(part, member);
    };
    fork(parts);
    do_parts(0);
    join();
  }

 private:
  /// Turns of a spinning wait: tens of microseconds.
  static constexpr int spins = 1000;

  /// Marks the team as busy.
  struct in_use {
    explicit in_use(thread_team& of) : team(of) {
      if (!team.busy_.exchange(true, std::memory_order_acquire)) return;
      throw error(error_kind::usage, 111, "a team of threads was called while it works",
                  {.expected = "one call at a time, and none from within its work"});
    }
    in_use(const in_use&) = delete;
    in_use& operator=(const in_use&) = delete;
    ~in_use() { team.busy_.store(false, std::memory_order_release); }
    thread_team& team;
  };

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
  }
  /// Waits until `done()`: spins, then sleeps until `signal` is given under the lock.
  template <class Done>
  void wait(std::condition_variable& signal, Done&& done) {
    for (int turn = 0; turn < spins; ++turn) {
      if (done()) return;
      pause();
    }
    std::unique_lock lock(guard_);
    signal.wait(lock, done);
  }

  /// Starts a member; if the system refuses, those that run are sent home first.
  void start(int member) {
    try {
      others_.emplace_back([this, member] { serve(member); });
    } catch (...) {
      dismiss();
      throw;
    }
  }
  void dismiss() {
    {
      const std::lock_guard lock(guard_);
      leaving_.store(true, std::memory_order_release);
    }
    called_.notify_all();
    others_.clear();  // joins
  }
  void serve(int member) {
    unsigned seen = 0;
    while (true) {
      wait(called_, [&] {
        return leaving_.load(std::memory_order_acquire) || round_.load(std::memory_order_acquire) != seen;
      });
      if (leaving_.load(std::memory_order_acquire)) return;
      seen = round_.load(std::memory_order_acquire);
      do_parts(member);
      leave_round();
    }
  }

  void fork(index_t parts) {
    failure_ = nullptr;
    failed_.store(parts, std::memory_order_relaxed);
    next_.store(0, std::memory_order_relaxed);
    working_.store(members_ - 1, std::memory_order_relaxed);
    {
      const std::lock_guard lock(guard_);
      round_.fetch_add(1, std::memory_order_release);
    }
    called_.notify_all();
  }
  void do_parts(int member) {
    for (index_t part = next_++; part < failed_.load(); part = next_++) {
      try {
        call_(work_, part, member);
      } catch (...) {
        note_failure(part);
      }
    }
  }
  void note_failure(index_t part) {
    const std::lock_guard lock(guard_);
    if (part >= failed_.load()) return;
    failed_ = part;
    failure_ = std::current_exception();
  }
  void leave_round() {
    if (working_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    { const std::lock_guard lock(guard_); }  // the caller either sees 0 or sleeps already
    finished_.notify_one();
  }
  void join() {
    wait(finished_, [this] { return working_.load(std::memory_order_acquire) == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  int members_;
  std::atomic<bool> busy_{false};
  std::atomic<bool> leaving_{false};
  std::atomic<unsigned> round_{0};  // of calls
  std::atomic<int> working_{0};     // members but the caller that have not finished the round
  std::atomic<index_t> next_{0};    // part to hand out
  std::atomic<index_t> failed_{0};  // lowest part that threw, or the number of parts
  void* work_ = nullptr;
  void (*call_)(void*, index_t, int) = nullptr;
  std::exception_ptr failure_;
  std::mutex guard_;
  std::condition_variable called_;
  std::condition_variable finished_;
  std::vector<std::jthread> others_;
};

DNALM_END_NAMESPACE
