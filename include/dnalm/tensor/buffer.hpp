// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Owning host memory, aligned to 64 bytes (one cache line, one AVX-512 register).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// `size` numbers of trivial type T, 64-byte aligned, zeroed. Move-only.
/// \throws error [dnalm.memory.110] when the system has not enough memory.
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  buffer() = default;
  explicit buffer(index_t size) : data_(allocate(size)), size_(size) {}

  [[nodiscard]] T* data() { return data_.get(); }
  [[nodiscard]] const T* data() const { return data_.get(); }
  [[nodiscard]] index_t size() const { return size_; }
  [[nodiscard]] T& operator[](index_t i) { return data_.get()[i]; }
  [[nodiscard]] const T& operator[](index_t i) const { return data_.get()[i]; }
  [[nodiscard]] vector_view<T> view() { return {data(), size_}; }
  [[nodiscard]] vector_view<const T> view() const { return {data(), size_}; }

 private:
  struct release {
    void operator()(T* pointer) const { std::free(pointer); }
  };

  static T* allocate(index_t size) {
    const index_t bytes = checked_mul(size, static_cast<index_t>(sizeof(T)));
    const index_t padded = checked_add(bytes, 63) / 64 * 64;
    if (padded == 0) return nullptr;
    void* pointer = std::aligned_alloc(64, static_cast<std::size_t>(padded));
    if (pointer == nullptr) {
      throw error(error_kind::memory, 110, "out of memory", {.expected = std::to_string(padded) + " bytes"});
    }
    return static_cast<T*>(__builtin_memset(pointer, 0, static_cast<std::size_t>(padded)));
  }

  std::unique_ptr<T[], release> data_;
  index_t size_ = 0;
};

/// A matrix that owns its memory: row-major, contiguous, zeroed.
template <class T>
class matrix {
 public:
  matrix() = default;
  matrix(index_t rows, index_t columns)
      : memory_(checked_mul(rows, columns)), rows_(rows), columns_(columns) {}

  [[nodiscard]] index_t rows() const { return rows_; }
  [[nodiscard]] index_t columns() const { return columns_; }
  [[nodiscard]] T* data() { return memory_.data(); }
  [[nodiscard]] const T* data() const { return memory_.data(); }
  [[nodiscard]] T& operator()(index_t r, index_t c) { return memory_[r * columns_ + c]; }
  [[nodiscard]] const T& operator()(index_t r, index_t c) const { return memory_[r * columns_ + c]; }
  [[nodiscard]] matrix_view<T> view() { return {data(), rows_, columns_, columns_}; }
  [[nodiscard]] matrix_view<const T> view() const { return {data(), rows_, columns_, columns_}; }

 private:
  buffer<T> memory_;
  index_t rows_ = 0;
  index_t columns_ = 0;
};

DNALM_END_NAMESPACE
