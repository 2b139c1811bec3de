// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Page-locked host memory that the GPU copies from and to while the host goes on.
#pragma once

#include <cstddef>
#include <exception>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/stream.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Owns bytes and an event that says when the last copy from or to them is done. Move-only.
class pinned_memory {
 public:
  pinned_memory() = default;
  /// \throws error [dnalm.memory.611]
  pinned_memory(int device, index_t bytes) : device_(device), event_(cuda_create_event(device)) {
    try {
      data_ = static_cast<std::byte*>(cuda_allocate_host(device, bytes));
    } catch (...) {
      cuda_destroy_event(device, event_);
      throw;
    }
    size_ = bytes;
  }
  pinned_memory(pinned_memory&& other) noexcept { swap(other); }
  pinned_memory& operator=(pinned_memory&& other) noexcept {
    pinned_memory taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~pinned_memory() {
    try {
      wait();
    } catch (const std::exception&) {  // the GPU failed: it copies nothing any more
    }
    cuda_release_host(device_, data_);
    cuda_destroy_event(device_, event_);
  }

  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] index_t size() const { return size_; }
  template <class T>
  [[nodiscard]] T* as() {
    return reinterpret_cast<T*>(data_);
  }
  /// After a copy was put into the stream.
  void mark(cuda_stream stream) {
    busy_ = true;
    cuda_record(stream, event_);
  }
  /// Waits for the last copy. \throws error as cuda_wait
  void wait() {
    if (std::exchange(busy_, false)) cuda_wait(event_);
  }

 private:
  void swap(pinned_memory& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(event_, other.event_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(busy_, other.busy_);
  }

  int device_ = 0;
  cuda_event event_ = {};
  std::byte* data_ = nullptr;
  index_t size_ = 0;
  bool busy_ = false;
};

}  // namespace detail
DNALM_END_NAMESPACE
