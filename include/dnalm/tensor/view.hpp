// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Non-owning views of vectors and row-major matrices, with the memory they point to in the type.
#pragma once

#include <type_traits>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// Where a view's memory lies. A device view does not convert to a host view.
enum class memory_space { host, device };

/// `size` contiguous numbers.
template <class T, memory_space Space = memory_space::host>
struct vector_view {
  T* data = nullptr;
  index_t size = 0;

  [[nodiscard]] DNALM_HD T& operator[](index_t i) const { return data[i]; }
  [[nodiscard]] DNALM_HD T* begin() const { return data; }
  [[nodiscard]] DNALM_HD T* end() const { return data + size; }
  [[nodiscard]] DNALM_HD bool empty() const { return size == 0; }
  [[nodiscard]] DNALM_HD vector_view part(index_t first, index_t count) const {
    return {data + first, count};
  }
  /// Views widen to read-only ones by design (a template: read-only views get no conversion to themselves).
  template <class Wider>
  requires(!std::is_const_v<T> && std::is_same_v<Wider, const T>) DNALM_HD
  operator vector_view<Wider, Space>() const {  // NOLINT
    return {data, size};
  }
};

/// `rows` x `columns` numbers; row r starts at `data + r * stride` (stride >= columns).
template <class T, memory_space Space = memory_space::host>
struct matrix_view {
  T* data = nullptr;
  index_t rows = 0;
  index_t columns = 0;
  index_t stride = 0;

  [[nodiscard]] DNALM_HD T& operator()(index_t r, index_t c) const { return data[r * stride + c]; }
  [[nodiscard]] DNALM_HD T* row_data(index_t r) const { return data + r * stride; }
  [[nodiscard]] DNALM_HD vector_view<T, Space> row(index_t r) const { return {data + r * stride, columns}; }
  /// Rows [first, first + count).
  [[nodiscard]] DNALM_HD matrix_view row_block(index_t first, index_t count) const {
    return {data + first * stride, count, columns, stride};
  }
  /// Columns [first, first + count).
  [[nodiscard]] DNALM_HD matrix_view column_block(index_t first, index_t count) const {
    return {data + first, rows, count, stride};
  }
  template <class Wider>
  requires(!std::is_const_v<T> && std::is_same_v<Wider, const T>) DNALM_HD
  operator matrix_view<Wider, Space>() const {  // NOLINT
    return {data, rows, columns, stride};
  }
};

/// A contiguous matrix over existing memory.
template <class T>
[[nodiscard]] matrix_view<T> as_matrix(T* data, index_t rows, index_t columns) {
  return {data, rows, columns, columns};
}

DNALM_END_NAMESPACE
