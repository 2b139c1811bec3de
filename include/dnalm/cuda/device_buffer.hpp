// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Owning memory on a GPU: a vector and a matrix.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/device_memory.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE

/// `size` numbers of trivial type T on one GPU, aligned to 256 bytes, undefined until written. Move-only;
/// freed on its GPU, whichever is that of the thread, after the work that may use it.
/// \throws error [dnalm.memory.608], [dnalm.memory.609] when the GPU has not enough memory, [dnalm.shape.101]
/// for a size that is none.
template <class T>
class device_buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  device_buffer() = default;
  device_buffer(std::shared_ptr<detail::device_memory> memory, index_t size)
      : data_(static_cast<T*>(memory->allocate(checked_mul(size, static_cast<index_t>(sizeof(T)))))),
        size_(size),
        memory_(std::move(memory)) {}
  device_buffer(device_buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        memory_(std::move(other.memory_)) {}
  device_buffer& operator=(device_buffer&& other) noexcept {
    device_buffer taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    std::swap(memory_, taken.memory_);
    return *this;
  }
  ~device_buffer() {
    if (memory_) memory_->release(data_, size_ * static_cast<index_t>(sizeof(T)));
  }

  [[nodiscard]] T* data() { return data_; }
  [[nodiscard]] const T* data() const { return data_; }
  [[nodiscard]] index_t size() const { return size_; }
  [[nodiscard]] device_vector<T> view() { return {data_, size_}; }
  [[nodiscard]] device_vector<const T> view() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  index_t size_ = 0;
  std::shared_ptr<detail::device_memory> memory_;
};

/// A matrix that owns its memory on a GPU: row-major, contiguous, undefined until written.
template <class T>
class device_tensor {
 public:
  device_tensor() = default;
  device_tensor(std::shared_ptr<detail::device_memory> memory, index_t rows, index_t columns)
      : memory_(std::move(memory), checked_mul(rows, columns)), rows_(rows), columns_(columns) {}

  [[nodiscard]] index_t rows() const { return rows_; }
  [[nodiscard]] index_t columns() const { return columns_; }
  [[nodiscard]] T* data() { return memory_.data(); }
  [[nodiscard]] const T* data() const { return memory_.data(); }
  [[nodiscard]] device_matrix<T> view() { return {data(), rows_, columns_, columns_}; }
  [[nodiscard]] device_matrix<const T> view() const { return {data(), rows_, columns_, columns_}; }

 private:
  device_buffer<T> memory_;
  index_t rows_ = 0;
  index_t columns_ = 0;
};

DNALM_END_NAMESPACE
