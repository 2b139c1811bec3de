// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief dnalm/cuda/runtime.hpp on host memory: a GPU with as much memory as a test gives it.
///
/// Every allocation is a block of the heap of its own, so that the AddressSanitizer sees a step beyond it,
/// and begins as NaN. Copies must stay within one allocation. When work is done says stream.hpp; of copies
/// from and to memory that is not page-locked the host sees nothing but their end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <support/cuda_emulation/stream.hpp>

namespace dnalm_test::gpu {

/// A copy beyond an allocation, a release of what was not allocated.
class memory_fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The memory of the emulated GPU, number 0. May be used from several threads.
class emulated_memory {
 public:
  /// Bytes that it has; a test may set them.
  dnalm::index_t limit = dnalm::index_t{1} << 32;

  void* allocate(dnalm::index_t bytes) {
    const std::lock_guard lock(guard_);
    if (bytes <= 0) throw memory_fault("an allocation of " + std::to_string(bytes) + " bytes");
    if (bytes > limit - used_) {
      throw dnalm::error(dnalm::error_kind::memory, 608, "the GPU has not enough free memory",
                         {.found = std::to_string(limit - used_) + " bytes"});
    }
    void* memory = ::operator new(static_cast<std::size_t>(bytes), alignment);
    std::memset(memory, 0xFF, static_cast<std::size_t>(bytes));
    blocks_.emplace(static_cast<std::byte*>(memory), bytes);
    used_ += bytes;
    return memory;
  }
  /// False when there is no such allocation.
  bool release(void* memory) noexcept {
    const std::lock_guard lock(guard_);
    const auto block = blocks_.find(static_cast<std::byte*>(memory));
    if (block == blocks_.end()) return false;
    used_ -= block->second;
    blocks_.erase(block);
    ::operator delete(memory, alignment);
    return true;
  }
  /// \throws memory_fault when the bytes are not within one allocation.
  void check(const void* first, dnalm::index_t bytes) const {
    const std::lock_guard lock(guard_);
    const auto* begin = static_cast<const std::byte*>(first);
    auto block = blocks_.upper_bound(const_cast<std::byte*>(begin));
    if (block == blocks_.begin()) throw memory_fault("a copy beside all allocations");
    --block;
    if (begin + bytes > block->first + block->second) throw memory_fault("a copy beyond an allocation");
  }
  [[nodiscard]] dnalm::index_t used() const {
    const std::lock_guard lock(guard_);
    return used_;
  }
  /// Copies to the GPU so far.
  [[nodiscard]] dnalm::index_t uploads() const {
    const std::lock_guard lock(guard_);
    return uploads_;
  }
  void count_upload(const dnalm::cuda_byte_rows& rows) {
    const std::lock_guard lock(guard_);
    ++uploads_;
    uploaded_ += rows.rows * rows.bytes;
  }
  /// Bytes copied to the GPU so far.
  [[nodiscard]] dnalm::index_t uploaded() const {
    const std::lock_guard lock(guard_);
    return uploaded_;
  }
  void count_download(const dnalm::cuda_byte_rows& rows) {
    const std::lock_guard lock(guard_);
    downloaded_ += rows.rows * rows.bytes;
  }
  /// Bytes copied from the GPU so far.
  [[nodiscard]] dnalm::index_t downloaded() const {
    const std::lock_guard lock(guard_);
    return downloaded_;
  }

 private:
  static constexpr std::align_val_t alignment{256};
  mutable std::mutex guard_;
  std::map<std::byte*, dnalm::index_t, std::less<>> blocks_;
  dnalm::index_t used_ = 0;
  dnalm::index_t uploads_ = 0;
  dnalm::index_t uploaded_ = 0;
  dnalm::index_t downloaded_ = 0;
};
inline emulated_memory& device_memory() {
  static emulated_memory memory;
  return memory;
}

/// What a memory of the given number of bytes does in the current scope.
class memory_limit {
 public:
  explicit memory_limit(dnalm::index_t bytes) : before_(device_memory().limit) {
    device_memory().limit = bytes;
  }
  memory_limit(const memory_limit&) = delete;
  memory_limit& operator=(const memory_limit&) = delete;
  ~memory_limit() { device_memory().limit = before_; }

 private:
  dnalm::index_t before_;
};

/// Page-locked memory of the host. May be used from several threads.
class emulated_host_memory {
 public:
  /// Bytes that may be locked; a test may set them.
  dnalm::index_t limit = dnalm::index_t{1} << 30;

  void* allocate(dnalm::index_t bytes) {
    const std::lock_guard lock(guard_);
    if (bytes <= 0) throw memory_fault("page-locked memory of " + std::to_string(bytes) + " bytes");
    if (bytes > limit - used_) {
      throw dnalm::error(dnalm::error_kind::memory, 611, "the host has not enough memory that can be locked",
                         {.found = std::to_string(limit - used_) + " bytes"});
    }
    auto* memory = new std::byte[static_cast<std::size_t>(bytes)];
    std::memset(memory, 0xFF, static_cast<std::size_t>(bytes));
    blocks_.emplace(memory, bytes);
    used_ += bytes;
    return memory;
  }
  /// False when there is no such allocation.
  bool release(void* memory) noexcept {
    const std::lock_guard lock(guard_);
    const auto block = blocks_.find(static_cast<std::byte*>(memory));
    if (block == blocks_.end()) return false;
    used_ -= block->second;
    delete[] block->first;
    blocks_.erase(block);
    return true;
  }
  /// Whether the bytes lie within one allocation.
  [[nodiscard]] bool holds(const void* first, dnalm::index_t bytes) const {
    const std::lock_guard lock(guard_);
    const auto* begin = static_cast<const std::byte*>(first);
    auto block = blocks_.upper_bound(const_cast<std::byte*>(begin));
    if (block == blocks_.begin()) return false;
    --block;
    return begin + bytes <= block->first + block->second;
  }
  [[nodiscard]] dnalm::index_t used() const {
    const std::lock_guard lock(guard_);
    return used_;
  }

 private:
  mutable std::mutex guard_;
  std::map<std::byte*, dnalm::index_t, std::less<>> blocks_;
  dnalm::index_t used_ = 0;
};
inline emulated_host_memory& host_memory() {
  static emulated_host_memory memory;
  return memory;
}

/// Copies rows; `device` is the side that has to lie within an allocation.
inline void copy_rows(const void* from, void* to, const dnalm::cuda_byte_rows& rows, bool to_device) {
  for (dnalm::index_t r = 0; r < rows.rows && rows.bytes > 0; ++r) {
    const std::byte* source = static_cast<const std::byte*>(from) + r * rows.from_stride;
    std::byte* target = static_cast<std::byte*>(to) + r * rows.to_stride;
    device_memory().check(to_device ? target : source, rows.bytes);
    std::memcpy(target, source, static_cast<std::size_t>(rows.bytes));
  }
}

/// Bytes from the first of the first row to the last of the last.
[[nodiscard]] inline dnalm::index_t extent_of(const dnalm::cuda_byte_rows& rows, dnalm::index_t stride) {
  return rows.rows == 0 ? 0 : (rows.rows - 1) * stride + rows.bytes;
}

/// A copy to the GPU. Memory that is not page-locked is read before this returns.
inline void put_upload(dnalm::cuda_stream stream, const void* from, void* to, dnalm::cuda_byte_rows rows) {
  if (stream.handle != nullptr && stream_of(stream).recording()) {
    throw stream_fault("a copy of host memory in a stream that is recorded");
  }
  if (host_memory().holds(from, extent_of(rows, rows.from_stride))) {
    put_into(stream, [=] { copy_rows(from, to, rows, true); });
    return;
  }
  std::vector<std::byte> taken;
  for (dnalm::index_t r = 0; r < rows.rows; ++r) {
    const std::byte* row = static_cast<const std::byte*>(from) + r * rows.from_stride;
    taken.insert(taken.end(), row, row + rows.bytes);
  }
  rows.from_stride = rows.bytes;
  put_into(stream, [taken = std::move(taken), to, rows] { copy_rows(taken.data(), to, rows, true); });
}
/// A copy from the GPU. To memory that is not page-locked it is done when this returns.
inline void put_download(dnalm::cuda_stream stream, const void* from, void* to,
                         const dnalm::cuda_byte_rows& rows) {
  if (stream.handle != nullptr && stream_of(stream).recording()) {
    throw stream_fault("a copy of host memory in a stream that is recorded");
  }
  put_into(stream, [=] { copy_rows(from, to, rows, false); });
  if (stream.handle != nullptr && !host_memory().holds(to, extent_of(rows, rows.to_stride))) {
    stream_of(stream).drain();
  }
}

/// The work of a stream before memory goes that it may use.
inline void finish_stream(dnalm::cuda_stream stream) noexcept {
  if (stream.handle == nullptr) return;
  try {
    stream_of(stream).drain();
  } catch (const std::exception&) {  // told by who waits for it
  }
}

using graph_handle = std::shared_ptr<recorded_list>;

}  // namespace dnalm_test::gpu

DNALM_BEGIN_NAMESPACE

DNALM_EMITTED cuda_device cuda_find_device(int number) {
  if (number != 0) {
    throw error(error_kind::device, 606, "no GPU of this number",
                {.expected = "0 to 0", .found = std::to_string(number)});
  }
  const auto& memory = dnalm_test::gpu::device_memory();
  return {.number = number,
          .name = "emulation",
          .major = 8,
          .minor = 0,
          .memory = memory.limit,
          .free_memory = memory.limit - memory.used(),
          .driver = 13000,
          .runtime = 13000};
}
DNALM_EMITTED void cuda_select_device(int) {}
DNALM_EMITTED void* cuda_allocate(int, index_t bytes) {
  return dnalm_test::gpu::device_memory().allocate(bytes);
}
DNALM_EMITTED void cuda_release(int, cuda_stream stream, void* memory) noexcept {
  if (memory == nullptr) return;
  dnalm_test::gpu::finish_stream(stream);
  if (!dnalm_test::gpu::device_memory().release(memory)) std::terminate();
}
DNALM_EMITTED void* cuda_allocate_host(int, index_t bytes) {
  return dnalm_test::gpu::host_memory().allocate(bytes);
}
DNALM_EMITTED void cuda_release_host(int, void* memory) noexcept {
  if (memory != nullptr && !dnalm_test::gpu::host_memory().release(memory)) std::terminate();
}
DNALM_EMITTED cuda_stream cuda_create_stream(int) {
  return {new dnalm_test::gpu::emulated_stream};
}
DNALM_EMITTED void cuda_destroy_stream(int, cuda_stream stream) noexcept {
  dnalm_test::gpu::finish_stream(stream);
  delete static_cast<dnalm_test::gpu::emulated_stream*>(stream.handle);
}
DNALM_EMITTED void cuda_synchronize(cuda_stream stream) {
  if (stream.handle != nullptr) dnalm_test::gpu::stream_of(stream).drain();
}
DNALM_EMITTED cuda_event cuda_create_event(int) {
  return {new dnalm_test::gpu::emulated_event};
}
DNALM_EMITTED void cuda_destroy_event(int, cuda_event event) noexcept {
  delete static_cast<dnalm_test::gpu::emulated_event*>(event.handle);
}
DNALM_EMITTED void cuda_record(cuda_stream stream, cuda_event event) {
  if (stream.handle == nullptr) return;  // its work is done
  auto& place = *static_cast<dnalm_test::gpu::emulated_event*>(event.handle);
  place.stream = &dnalm_test::gpu::stream_of(stream);
  place.place = place.stream->place();
}
DNALM_EMITTED void cuda_wait(cuda_event event) {
  const auto& place = *static_cast<dnalm_test::gpu::emulated_event*>(event.handle);
  if (place.stream != nullptr) place.stream->reach(place.place);
}
DNALM_EMITTED void cuda_upload(cuda_stream stream, const void* from, void* to, const cuda_byte_rows& rows) {
  dnalm_test::gpu::device_memory().count_upload(rows);
  dnalm_test::gpu::put_upload(stream, from, to, rows);
}
DNALM_EMITTED void cuda_download(cuda_stream stream, const void* from, void* to, const cuda_byte_rows& rows) {
  dnalm_test::gpu::device_memory().count_download(rows);
  dnalm_test::gpu::put_download(stream, from, to, rows);
}
DNALM_EMITTED void cuda_clear(cuda_stream stream, void* memory, index_t bytes) {
  if (bytes == 0) return;
  dnalm_test::gpu::put_into(stream, [memory, bytes] {
    dnalm_test::gpu::device_memory().check(memory, bytes);
    std::memset(memory, 0, static_cast<std::size_t>(bytes));
  });
}
DNALM_EMITTED void cuda_begin_capture(cuda_stream stream) {
  dnalm_test::gpu::stream_of(stream).begin_recording();
}
DNALM_EMITTED cuda_graph cuda_end_capture(cuda_stream stream) {
  auto& settings = dnalm_test::gpu::stream_settings();
  auto recorded = dnalm_test::gpu::stream_of(stream).end_recording();
  if (settings.failing_recordings > 0) {
    --settings.failing_recordings;
    throw error(error_kind::device, 600, "CUDA reported a failure", {.where = "end of a recording"});
  }
  ++settings.recordings;
  return {new dnalm_test::gpu::graph_handle(std::move(recorded))};
}
DNALM_EMITTED void cuda_abandon_capture(cuda_stream stream) noexcept {
  static_cast<void>(dnalm_test::gpu::stream_of(stream).end_recording());
}
DNALM_EMITTED void cuda_launch_graph(cuda_stream stream, cuda_graph graph) {
  if (dnalm_test::gpu::stream_settings().at_replay) dnalm_test::gpu::stream_settings().at_replay();
  dnalm_test::gpu::stream_of(stream).replay(*static_cast<dnalm_test::gpu::graph_handle*>(graph.handle));
}
DNALM_EMITTED void cuda_destroy_graph(int, cuda_graph graph) noexcept {
  delete static_cast<dnalm_test::gpu::graph_handle*>(graph.handle);
}

DNALM_END_NAMESPACE
