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
#include <dnalm/cuda/detail/work_stream.hpp>
#include <dnalm/cuda/device_buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Lends memory. Given back it may be lent again at once: kernels that were started with it come first in the
/// stream. So all borrowers must start their kernels in one stream. May be called from several threads.
///
/// What is lent for recorded work is memory of its own, lent to other recordings only: a replay may come
/// between two kernels of another thread which still holds its loan, but never between two of another replay.
/// Recordings own it together with the pool (work_stream::keep).
class scratch_pool {
  using block = std::shared_ptr<device_buffer<std::byte>>;
  struct lane {
    std::vector<block> free = {};
    std::size_t lent = 0;
  };

 public:
  /// `order`: whose recordings may borrow; null: nobody records.
  explicit scratch_pool(std::shared_ptr<device_memory> memory, work_stream* order = nullptr)
      : memory_(std::move(memory)), order_(order) {}
  scratch_pool(const scratch_pool&) = delete;
  scratch_pool& operator=(const scratch_pool&) = delete;

  /// Given back when the object goes.
  class loan {
   public:
    loan() = default;
    loan(scratch_pool& pool, index_t bytes)
        : pool_(&pool), lane_(&pool.lane_here()), block_(pool.take(*lane_, bytes)) {}
    loan(loan&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), lane_(other.lane_), block_(std::move(other.block_)) {}
    loan& operator=(loan&& other) noexcept {
      std::swap(pool_, other.pool_);
      std::swap(lane_, other.lane_);
      std::swap(block_, other.block_);
      return *this;
    }
    ~loan() {
      if (pool_ != nullptr) pool_->give(*lane_, std::move(block_));
    }
    template <class T>
    [[nodiscard]] T* as() {
      return reinterpret_cast<T*>(block_->data());
    }
    [[nodiscard]] const std::byte* data() const { return block_->data(); }

   private:
    scratch_pool* pool_ = nullptr;
    lane* lane_ = nullptr;
    block block_;
  };

  /// Undefined bytes, aligned to 256. \throws as device_buffer
  [[nodiscard]] loan lend(index_t bytes) { return loan(*this, bytes); }
  /// A matrix of T whose rows are `stride` numbers apart.
  template <class T>
  [[nodiscard]] loan lend_rows(index_t rows, index_t stride) {
    return lend(checked_mul(checked_mul(rows, stride), static_cast<index_t>(sizeof(T))));
  }
  /// Frees what is not lent and what no recording owns.
  void trim() {
    const std::lock_guard lock(guard_);
    direct_.free.clear();
    forget_unowned();
  }
  /// Frees what was lent for recordings and is owned by none. Not for a thread that records.
  void trim_recorded() {
    const std::lock_guard lock(guard_);
    forget_unowned();
  }

 private:
  [[nodiscard]] bool records_here() const { return order_ != nullptr && order_->records_here(); }
  [[nodiscard]] lane& lane_here() { return records_here() ? recorded_ : direct_; }
  void forget_unowned() {
    std::erase_if(recorded_.free, [](const block& b) { return b.use_count() == 1; });
  }

  /// The smallest that is large enough. When none is, the free ones go first: those who need so much once
  /// will need it again. While a thread records nothing is freed (trim_recorded does it afterwards).
  [[nodiscard]] block take(lane& from, index_t bytes) {
    const std::lock_guard lock(guard_);
    auto best = from.free.end();
    for (auto b = from.free.begin(); b != from.free.end(); ++b) {
      if ((*b)->size() >= bytes && (best == from.free.end() || (*b)->size() < (*best)->size())) best = b;
    }
    block found;
    if (best != from.free.end()) {
      found = std::move(*best);
      from.free.erase(best);
    } else {
      if (&from == &direct_) {
        from.free.clear();
        forget_unowned();
      }
      found = std::make_shared<device_buffer<std::byte>>(memory_, bytes);
    }
    from.free.reserve(from.free.size() + from.lent + 1);  // so that give needs no memory
    if (order_ != nullptr) order_->keep(found);
    ++from.lent;
    return found;
  }
  void give(lane& to, block memory) noexcept {
    const std::lock_guard lock(guard_);
    --to.lent;
    to.free.push_back(std::move(memory));
  }

  std::shared_ptr<device_memory> memory_;
  work_stream* order_;
  std::mutex guard_;
  lane direct_;
  lane recorded_;
};

}  // namespace detail
DNALM_END_NAMESPACE
