// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The memory of one GPU as buffers take it: counted, up to a limit, and in the order of a stream.
#pragma once

#include <mutex>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/owned_stream.hpp>
#include <dnalm/cuda/runtime.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// May be called from several threads. Has the stream of all work that uses the memory, which lives as long
/// as the last buffer.
class device_memory {
 public:
  /// `limit` in bytes; 0: as much as the GPU has.
  device_memory(int device, index_t limit) : device_(device), limit_(limit), stream_(device) {}
  device_memory(const device_memory&) = delete;
  device_memory& operator=(const device_memory&) = delete;

  /// Null for 0 bytes. \throws error [dnalm.memory.609] beyond the limit; as cuda_allocate.
  [[nodiscard]] void* allocate(index_t bytes) {
    if (bytes == 0) return nullptr;
    take(bytes);
    try {
      return cuda_allocate(device_, bytes);
    } catch (...) {
      give(bytes);
      throw;
    }
  }
  void release(void* memory, index_t bytes) noexcept {
    if (memory == nullptr) return;
    cuda_release(device_, stream_.get(), memory);
    give(bytes);
  }

  [[nodiscard]] int device() const { return device_; }
  [[nodiscard]] cuda_stream stream() const { return stream_.get(); }
  /// Bytes that are allocated now.
  [[nodiscard]] index_t used() const {
    const std::lock_guard lock(guard_);
    return used_;
  }

 private:
  void take(index_t bytes) {
    const std::lock_guard lock(guard_);
    const index_t all = checked_add(used_, bytes);
    if (limit_ > 0 && all > limit_) {
      throw error(error_kind::memory, 609, "more memory on the GPU than it may take",
                  {.where = "GPU " + std::to_string(device_),
                   .expected = "at most " + std::to_string(limit_) + " bytes",
                   .found = std::to_string(used_) + " in use, " + std::to_string(bytes) + " more needed"});
    }
    used_ = all;
  }
  void give(index_t bytes) noexcept {
    const std::lock_guard lock(guard_);
    used_ -= bytes;
  }

  int device_;
  index_t limit_;
  owned_stream stream_;
  mutable std::mutex guard_;
  index_t used_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
