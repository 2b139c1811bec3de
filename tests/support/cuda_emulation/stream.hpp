// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Streams of the emulated GPU: work is done at once, or as late as a GPU may do it, or recorded.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>

namespace dnalm_test::gpu {

/// What a program did to a stream that CUDA forbids.
class stream_fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the emulated streams are like, and what was put into them.
struct stream_behaviour {
  bool late = false;                        ///< work is done only when somebody waits for it
  std::atomic<int> failing_recordings = 0;  ///< so many of the next recordings cannot be made executable
  std::atomic<dnalm::index_t> recordings = 0;
  std::atomic<dnalm::index_t> replays = 0;
  std::atomic<dnalm::index_t> starts = 0;  ///< of work outside of graphs
  std::function<void()> at_replay = {};    ///< called before a graph goes into its stream
};
inline stream_behaviour& stream_settings() {
  static stream_behaviour settings;
  return settings;
}

using stream_work = std::function<void()>;
using recorded_list = std::vector<stream_work>;

/// One stream. May be used from several threads, but is recorded by one.
class emulated_stream {
 public:
  void put(stream_work work) {
    const std::lock_guard lock(guard_);
    if (recording_) {
      recorded_->push_back(std::move(work));
      return;
    }
    ++stream_settings().starts;
    add(std::move(work));
  }
  /// The place behind all work so far.
  [[nodiscard]] std::uint64_t place() const {
    const std::lock_guard lock(guard_);
    refuse_recording("an event");
    return put_;
  }
  /// Does the work up to a place.
  void reach(std::uint64_t place) {
    const std::lock_guard lock(guard_);
    while (done_ < place) do_next();
  }
  void drain() {
    const std::lock_guard lock(guard_);
    refuse_recording("a wait");
    while (!waiting_.empty()) do_next();
  }
  void begin_recording() {
    const std::lock_guard lock(guard_);
    refuse_recording("a recording");
    recording_ = true;
    recorded_ = std::make_shared<recorded_list>();
  }
  [[nodiscard]] std::shared_ptr<recorded_list> end_recording() {
    const std::lock_guard lock(guard_);
    if (!recording_) throw stream_fault("the end of a recording that was not begun");
    recording_ = false;
    return std::move(recorded_);
  }
  void replay(std::shared_ptr<recorded_list> list) {
    const std::lock_guard lock(guard_);
    refuse_recording("a graph");
    ++stream_settings().replays;
    add([list = std::move(list)] {
      for (const stream_work& work : *list) work();
    });
  }
  [[nodiscard]] bool recording() const {
    const std::lock_guard lock(guard_);
    return recording_;
  }

 private:
  void refuse_recording(const char* what) const {
    if (recording_) throw stream_fault(std::string(what) + " in a stream that is recorded");
  }
  void add(stream_work work) {
    ++put_;
    waiting_.push_back(std::move(work));
    while (!stream_settings().late && !waiting_.empty()) do_next();
  }
  void do_next() {
    const stream_work work = std::move(waiting_.front());
    waiting_.pop_front();
    ++done_;
    work();
  }

  mutable std::mutex guard_;
  std::deque<stream_work> waiting_;
  std::uint64_t put_ = 0;
  std::uint64_t done_ = 0;
  bool recording_ = false;
  std::shared_ptr<recorded_list> recorded_;
};

[[nodiscard]] inline emulated_stream& stream_of(dnalm::cuda_stream stream) {
  return *static_cast<emulated_stream*>(stream.handle);
}
/// The default stream does all work at once.
inline void put_into(dnalm::cuda_stream stream, stream_work work) {
  if (stream.handle == nullptr) return work();
  stream_of(stream).put(std::move(work));
}

/// An event: a place in a stream.
struct emulated_event {
  emulated_stream* stream = nullptr;
  std::uint64_t place = 0;
};

/// Work as late as is allowed, in the current scope.
class late_streams {
 public:
  late_streams() { stream_settings().late = true; }
  late_streams(const late_streams&) = delete;
  late_streams& operator=(const late_streams&) = delete;
  ~late_streams() { stream_settings().late = false; }
};

}  // namespace dnalm_test::gpu
