// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Scratch memory on a GPU that kernels of one stream use one after another.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/device_buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Lends memory. Given back it may be lent again at once: kernels that were started with it come first in the
/// stream. So all borrowers must start their kernels in one stream. May be called from several threads.
class scratch_pool {
 public:
  explicit scratch_pool(std::shared_ptr<device_memory> memory) : memory_(std::move(memory)) {}
  scratch_pool(const scratch_pool&) = delete;
  scratch_pool& operator=(const scratch_pool&) = delete;

  /// Given back when the object goes.
  class loan {
   public:
    loan() = default;
    loan(scratch_pool& pool, index_t bytes) : pool_(&pool), buffer_(pool.take(bytes)) {}
    loan(loan&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), buffer_(std::move(other.buffer_)) {}
    loan& operator=(loan&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(buffer_, other.buffer_);
      return *this;
    }
    ~loan() {
      if (pool_ != nullptr) pool_->give(std::move(buffer_));
    }
    template <class T>
    [[nodiscard]] T* as() {
      return reinterpret_cast<T*>(buffer_.data());
    }
    [[nodiscard]] const std::byte* data() const { return buffer_.data(); }

   private:
    scratch_pool* pool_ = nullptr;
    device_buffer<std::byte> buffer_;
  };

  /// Undefined bytes, aligned to 256. \throws as device_buffer
  [[nodiscard]] loan lend(index_t bytes) { return loan(*this, bytes); }
  /// A matrix of T whose rows are `stride` numbers apart.
  template <class T>
  [[nodiscard]] loan lend_rows(index_t rows, index_t stride) {
    return lend(checked_mul(checked_mul(rows, stride), static_cast<index_t>(sizeof(T))));
  }

 private:
  /// The smallest that is large enough. When none is, the free ones go first: those who need so much once
  /// will need it again.
  [[nodiscard]] device_buffer<std::byte> take(index_t bytes) {
    const std::lock_guard lock(guard_);
    auto best = free_.end();
    for (auto b = free_.begin(); b != free_.end(); ++b) {
      if (b->size() >= bytes && (best == free_.end() || b->size() < best->size())) best = b;
    }
    if (best == free_.end()) {
      free_.clear();
      free_.reserve(lent_ + 1);  // so that give needs no memory
      ++lent_;
      try {
        return {memory_, bytes};
      } catch (...) {
        --lent_;
        throw;
      }
    }
    device_buffer<std::byte> found = std::move(*best);
    free_.erase(best);
    free_.reserve(free_.size() + lent_ + 1);
    ++lent_;
    return found;
  }
  void give(device_buffer<std::byte> buffer) noexcept {
    const std::lock_guard lock(guard_);
    --lent_;
    free_.push_back(std::move(buffer));
  }

  std::shared_ptr<device_memory> memory_;
  std::mutex guard_;
  std::vector<device_buffer<std::byte>> free_;
  std::size_t lent_ = 0;
};

}  // namespace detail
DNALM_END_NAMESPACE
