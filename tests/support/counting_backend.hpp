// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The CPU's backend with workspaces that are counted.
#pragma once

#include <algorithm>
#include <span>
#include <utility>

#include <dnalm/cpu/cpu_backend.hpp>

namespace dnalm_test {

using dnalm::index_t;

/// Floats that backends have allocated and not freed, and the most there were.
struct float_count {
  index_t now = 0;
  index_t most = 0;
  void add(index_t floats) {
    now += floats;
    most = std::max(most, now);
  }
};

/// Memory that is counted while it lives.
class counted_vector {
 public:
  counted_vector() = default;
  explicit counted_vector(std::span<const float> values) : memory_(static_cast<index_t>(values.size())) {
    std::copy(values.begin(), values.end(), memory_.data());
  }
  counted_vector(index_t size, float_count* count) : memory_(size), count_(count) { count_->add(size); }
  counted_vector(counted_vector&& other) noexcept
      : memory_(std::move(other.memory_)), count_(std::exchange(other.count_, nullptr)) {}
  counted_vector& operator=(counted_vector&& other) noexcept {
    if (count_ != nullptr) count_->add(-memory_.size());
    memory_ = std::move(other.memory_);
    count_ = std::exchange(other.count_, nullptr);
    return *this;
  }
  ~counted_vector() {
    if (count_ != nullptr) count_->add(-memory_.size());
  }
  [[nodiscard]] index_t size() const { return memory_.size(); }
  [[nodiscard]] dnalm::vector_view<float> view() { return memory_.view(); }
  [[nodiscard]] dnalm::vector_view<const float> view() const { return memory_.view(); }

 private:
  dnalm::buffer<float> memory_ = {};
  float_count* count_ = nullptr;
};

/// The CPU's backend, with workspaces that are counted.
class counting_backend : public dnalm::cpu_backend {
 public:
  using vector = counted_vector;
  explicit counting_backend(float_count* count) : count_(count) {}
  [[nodiscard]] vector allocate(index_t size) const { return {size, count_}; }
  [[nodiscard]] vector upload(std::span<const float> values) const { return vector(values); }
  [[nodiscard]] tensor upload(std::span<const float> values, index_t rows, index_t columns) const {
    return cpu_backend::upload(values, rows, columns);
  }

 private:
  float_count* count_;
};

}  // namespace dnalm_test
