// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief How matrices of scalars and of rows lie in the memory of an encoder's workspace.
#pragma once

#include <type_traits>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Numbers of type scalar_of<B> in whose place rows of type T lie. With a storage type for rows, matrices
/// begin at multiples of 16 bytes.
template <class B, class T>
[[nodiscard]] index_t numbers_of_rows(index_t rows, index_t stride) {
  const index_t numbers = checked_mul(rows, stride);
  if constexpr (plain_rows<B>) {
    return numbers;
  } else {
    constexpr auto size = static_cast<index_t>(sizeof(T));
    const index_t sixteens = checked_add(checked_mul(numbers, size), 15) / 16;
    return checked_mul(sixteens, index_t{16 / sizeof(scalar_of<B>)});
  }
}

/// The same for rows as far apart as a workspace has them.
template <class B, class T>
[[nodiscard]] index_t numbers_of(index_t rows, index_t columns) {
  return numbers_of_rows<B, T>(rows, std::is_same_v<T, scalar_of<B>> ? columns : row_stride<B>(columns));
}

/// Lays matrices of `rows` rows over the memory of a workspace, one behind the other.
template <class B>
struct view_layer {
  scalar_of<B>* next;
  index_t rows;

  template <class T>
  void take(matrix_view<T, B::space>& view, index_t columns) {
    const index_t stride = std::is_same_v<T, scalar_of<B>> ? columns : row_stride<B>(columns);
    view = {reinterpret_cast<T*>(next), rows, columns, stride};
    next += numbers_of<B, T>(rows, columns);
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
