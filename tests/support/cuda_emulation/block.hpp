// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One block of an emulated grid: its threads, where they wait for each other, its shared memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/launch_size.hpp>
#include <support/cuda_emulation/fiber.hpp>

namespace dnalm_test::gpu {

using dnalm::index_t;
using dnalm::detail::gpu::grid_place;
using dnalm::detail::gpu::warp_threads;

/// What a kernel did that a GPU would not forgive: threads that do not meet, a wrong address.
class grid_fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the 32 lanes of a warp bring to an operation, by lane.
template <class Argument>
using lanes_of = std::array<Argument*, warp_threads>;

/// A copy_async that has not been waited for.
struct pending_copy {
  void* to;
  const void* from;
  int bytes;
};

/// Whose turn it is. Greedy: always that of the first thread that need not wait, so that it runs as far ahead
/// of the others as the meetings allow; else all threads get a turn before one gets the next.
struct turn_order {
  std::vector<int> threads;
  bool greedy = false;
};

/// Runs the threads of one block in turn, each until it waits or returns. The order of turns is given from
/// outside: a kernel whose result depends on it has a race.
///
/// A warp operation is carried out when its 32nd lane arrives, sync_block when the last thread does. When all
/// that is left waits for a thread that will not come, the block ends with a grid_fault. Shared memory is
/// exactly as long as asked, alone in its allocation (so that the AddressSanitizer sees a step beyond), and
/// begins with all bits set: NaN in every type. Copies are made as late as is allowed: when waited for.
class block {
 public:
  block(grid_place place, grid_place grid, int threads, index_t shared_bytes)
      : place_(place),
        grid_(grid),
        shared_(shared_bytes),
        threads_(static_cast<std::size_t>(threads)),
        warps_(static_cast<std::size_t>(threads / warp_threads)) {}

  /// Runs `kernel` once per thread, taking turns in the given order. \throws grid_fault
  void run(const std::function<void()>& kernel, const turn_order& order) {
    block* const outer = std::exchange(running(), this);
    for (int t = 0; t < threads(); ++t) begin(t, kernel);
    std::size_t from = 0;
    while (!failure_) {
      const std::size_t next = next_ready(order.threads, order.greedy ? 0 : from);
      if (next == order.threads.size()) break;
      resume(order.threads[next]);
      from = next + 1;
    }
    if (!failure_) failure_ = missed_meeting();
    if (failure_) abandon();
    running() = outer;
    if (failure_) std::rethrow_exception(failure_);
  }

  /// The block whose thread runs now.
  static block*& running() {
    static block* now = nullptr;
    return now;
  }

  [[nodiscard]] int thread() const { return current_; }
  [[nodiscard]] int threads() const { return static_cast<int>(threads_.size()); }
  [[nodiscard]] grid_place place() const { return place_; }
  [[nodiscard]] grid_place grid() const { return grid_; }
  [[nodiscard]] void* shared() { return shared_.data(); }

  void meet_block() {
    if (++arrived_ < threads()) return wait("sync_block");
    arrived_ = 0;
    for (int t = 0; t < threads(); ++t) release(t);
  }

  /// Waits for all lanes; the last one calls `complete` with what all brought.
  template <class Argument, class Complete>
  void meet_warp(std::string_view operation, Argument& argument, Complete complete) {
    warp_state& w = warps_[static_cast<std::size_t>(current_ / warp_threads)];
    if (w.arrived > 0 && w.operation != operation) {
      throw grid_fault(name(current_) + " is at " + std::string(operation) +
                       ", another lane of its warp at " + std::string(w.operation));
    }
    w.operation = operation;
    w.arguments[static_cast<std::size_t>(current_ % warp_threads)] = &argument;
    if (++w.arrived < warp_threads) return wait(operation);
    w.arrived = 0;
    lanes_of<Argument> lanes;
    for (std::size_t l = 0; l < warp_threads; ++l) lanes[l] = static_cast<Argument*>(w.arguments[l]);
    complete(lanes);
    const int first = current_ / warp_threads * warp_threads;
    for (int t = first; t < first + warp_threads; ++t) release(t);
  }

  void copy_later(void* to, const void* from, int bytes) {
    const auto address = reinterpret_cast<std::uintptr_t>(to);
    const auto source = reinterpret_cast<std::uintptr_t>(from);
    if (address % 16 != 0 || source % 16 != 0)
      throw grid_fault(name(current_) + ": copy_async not aligned to 16");
    if (bytes < 0 || bytes > 16) throw grid_fault(name(current_) + ": copy_async of more than 16 bytes");
    const auto begin = reinterpret_cast<std::uintptr_t>(shared_.data());
    if (address < begin || address + 16 > begin + shared_.size()) {
      throw grid_fault(name(current_) + ": copy_async beyond shared memory");
    }
    at(current_).open.push_back({to, from, bytes});
  }
  void close_copies() {
    at(current_).groups.push_back(std::move(at(current_).open));
    at(current_).open.clear();
  }
  void make_copies(std::size_t groups_left) {
    auto& groups = at(current_).groups;
    while (groups.size() > groups_left) {
      for (const pending_copy& copy : groups.front()) {
        std::memset(copy.to, 0, 16);
        std::memcpy(copy.to, copy.from, static_cast<std::size_t>(copy.bytes));
      }
      groups.erase(groups.begin());
    }
  }

  /// `thread 3 of block 0 0 0`.
  [[nodiscard]] std::string name(int t) const {
    return "thread " + std::to_string(t) + " of block " + std::to_string(place_.x) + " " +
           std::to_string(place_.y) + " " + std::to_string(place_.z);
  }

 private:
  enum class turn { ready, waits, returned };
  struct abandoned {};  // thrown in the threads that are left when a block ends with a fault

  struct thread_state {
    turn state = turn::ready;
    std::string_view waits_at = {};
    std::vector<pending_copy> open = {};
    std::vector<std::vector<pending_copy>> groups = {};
  };
  struct warp_state {
    int arrived = 0;
    std::string_view operation = {};
    std::array<void*, warp_threads> arguments = {};
  };
  class shared_block {
   public:
    explicit shared_block(index_t size)
        : size_(static_cast<std::size_t>(size)), data_(::operator new(size_, alignment)) {
      std::memset(data_, 0xFF, size_);
    }
    shared_block(const shared_block&) = delete;
    shared_block& operator=(const shared_block&) = delete;
    ~shared_block() { ::operator delete(data_, alignment); }
    [[nodiscard]] void* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }

   private:
    static constexpr std::align_val_t alignment{128};
    std::size_t size_;
    void* data_;
  };

  /// Stacks are kept from block to block.
  static fiber& fiber_of(int t) {
    static std::vector<std::unique_ptr<fiber>> fibers;
    while (fibers.size() <= static_cast<std::size_t>(t)) fibers.push_back(std::make_unique<fiber>());
    return *fibers[static_cast<std::size_t>(t)];
  }
  thread_state& at(int t) { return threads_[static_cast<std::size_t>(t)]; }

  void begin(int t, const std::function<void()>& kernel) {
    fiber_of(t).start([this, t, &kernel] {
      try {
        if (!failure_) kernel();
      } catch (const abandoned&) {  // the stack is clean now: that is all it was thrown for
      } catch (...) {
        failure_ = std::current_exception();
      }
      at(t).state = turn::returned;
    });
  }
  /// Place in `threads` of the first one that is ready, looked for from place `from` on and around; their
  /// number when none is.
  [[nodiscard]] std::size_t next_ready(const std::vector<int>& threads, std::size_t from) {
    for (std::size_t i = 0; i < threads.size(); ++i) {
      const std::size_t place = (from + i) % threads.size();
      if (at(threads[place]).state == turn::ready) return place;
    }
    return threads.size();
  }
  void resume(int t) {
    current_ = t;
    fiber_of(t).resume();
  }
  void wait(std::string_view operation) {
    const int self = current_;
    at(self).waits_at = operation;
    at(self).state = turn::waits;
    fiber_of(self).suspend();
    if (failure_) throw abandoned{};
  }
  void release(int t) { at(t).state = turn::ready; }
  void abandon() {
    for (int t = 0; t < threads(); ++t) {
      if (at(t).state != turn::returned) resume(t);
    }
  }

  /// Null when all threads have returned; else who waits, and for whom.
  std::exception_ptr missed_meeting() {
    for (int t = 0; t < threads(); ++t) {
      if (at(t).state != turn::waits) continue;
      const std::string_view operation = at(t).waits_at;
      const bool of_block = operation == "sync_block";
      const int first = of_block ? 0 : t / warp_threads * warp_threads;
      const int end = of_block ? threads() : first + warp_threads;
      for (int other = first; other < end; ++other) {
        if (at(other).state == turn::waits && at(other).waits_at == operation) continue;
        const std::string there = at(other).state == turn::returned
                                      ? "has returned"
                                      : "waits at " + std::string(at(other).waits_at);
        return std::make_exception_ptr(grid_fault(name(t) + " waits at " + std::string(operation) +
                                                  ", but thread " + std::to_string(other) + " " + there));
      }
    }
    return nullptr;
  }

  grid_place place_;
  grid_place grid_;
  shared_block shared_;
  std::vector<thread_state> threads_;
  std::vector<warp_state> warps_;
  int arrived_ = 0;
  int current_ = 0;
  std::exception_ptr failure_;
};

}  // namespace dnalm_test::gpu
