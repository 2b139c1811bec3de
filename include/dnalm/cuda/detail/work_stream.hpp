// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where the work of a backend goes: its stream, or a recording of the calling thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/owned_stream.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/stream.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Work that was recorded, and the memory that it uses beside what its caller owns.
struct recorded_work {
  cuda_graph graph = {};
  std::vector<std::shared_ptr<const void>> held = {};
};

/// One stream for the work of all threads, and a second one, in which nothing ever runs, to record into.
///
/// While a thread records, its work goes to the second stream and that of all others to the first: who
/// records keeps nobody from working, and nobody's work gets into the recording. One thread records at a
/// time.
class work_stream {
 public:
  work_stream(int device, cuda_stream stream) : device_(device), stream_(stream) {}

  /// Where the calling thread's work goes.
  [[nodiscard]] cuda_stream get() const { return records_here() ? side_->get() : stream_; }
  /// The stream itself, for copies of host memory, which are never part of a recording.
  [[nodiscard]] cuda_stream main() const { return stream_; }
  /// Whether the calling thread records.
  [[nodiscard]] bool records_here() const {
    return recorder_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }
  /// When the calling thread records, the recording owns this memory as well.
  void keep(std::shared_ptr<const void> memory) {
    if (records_here()) held_.push_back(std::move(memory));
  }

  /// Records what `work` puts into the stream. \throws error as `work` and cuda_end_capture; nothing stays.
  template <class Work>
  [[nodiscard]] recorded_work record(const Work& work) {
    const std::lock_guard lock(one_recorder_);
    if (!side_) side_.emplace(device_);
    held_.clear();
    cuda_begin_capture(side_->get());
    recorder_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    try {
      work();
    } catch (...) {
      recorder_.store({}, std::memory_order_relaxed);
      cuda_abandon_capture(side_->get());
      held_.clear();
      throw;
    }
    recorder_.store({}, std::memory_order_relaxed);
    std::vector<std::shared_ptr<const void>> held = std::move(held_);
    return {cuda_end_capture(side_->get()), std::move(held)};
  }

 private:
  int device_;
  cuda_stream stream_;
  std::mutex one_recorder_;
  std::optional<owned_stream> side_;         // of the recorder
  std::atomic<std::thread::id> recorder_{};  // of no thread: nobody records
  std::vector<std::shared_ptr<const void>> held_;
};

/// A stream, or that of a work_stream which the calling thread's work goes to.
class stream_source {
 public:
  stream_source(cuda_stream stream) : stream_(stream) {}
  stream_source(work_stream& work) : work_(&work) {}
  operator cuda_stream() const { return work_ == nullptr ? stream_ : work_->get(); }
  /// Null: a stream that is not recorded.
  [[nodiscard]] work_stream* work() const { return work_; }

 private:
  cuda_stream stream_ = {};
  work_stream* work_ = nullptr;
};

}  // namespace detail
DNALM_END_NAMESPACE
