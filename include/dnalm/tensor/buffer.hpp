// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Owning host memory, aligned to 64 bytes (one cache line, one AVX-512 register).
#pragma once

#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// For memory that is written before it is read: buffer<float>(size, uninitialized).
struct uninitialized_t {};
inline constexpr uninitialized_t uninitialized{};

/// `size` numbers of trivial type T, 64-byte aligned, zeroed unless `uninitialized` is said. Move-only.
///
/// From 2 MiB on the memory lies in huge pages where the system gives them (Linux; `madvise`): one page fault
/// in place of 512. \throws error [dnalm.memory.110] when the system has not enough memory.
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  buffer() = default;
  explicit buffer(index_t size) : buffer(size, uninitialized) {
    if (size > 0) __builtin_memset(static_cast<void*>(data()), 0, static_cast<std::size_t>(size) * sizeof(T));
  }
  buffer(index_t size, uninitialized_t) : data_(allocate(size)), size_(size) {}

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

  static constexpr index_t huge_page = index_t{2} << 20;

  static T* allocate(index_t size) {
    const index_t bytes = checked_mul(size, static_cast<index_t>(sizeof(T)));
    const index_t padded = checked_add(bytes, 63) / 64 * 64;
    if (padded == 0) return nullptr;
    void* pointer = nullptr;
    const auto alignment = static_cast<std::size_t>(padded < huge_page ? 64 : huge_page);
    if (::posix_memalign(&pointer, alignment, static_cast<std::size_t>(padded)) != 0) {
      throw error(error_kind::memory, 110, "out of memory", {.expected = std::to_string(padded) + " bytes"});
    }
#if defined(__linux__)
    // Whole huge pages only, so that none reaches beyond the buffer. Without them all is as before.
    if (padded >= huge_page) {
      ::madvise(pointer, static_cast<std::size_t>(padded / huge_page * huge_page), MADV_HUGEPAGE);
    }
#endif
    return static_cast<T*>(pointer);
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
