// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Walking the elements of a strided tensor in logical order, and in an order that suits its memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Extents and steps of a tensor, in elements, outermost axis first.
struct strided_layout {
  std::span<const index_t> shape = {};
  std::span<const index_t> strides = {};
};

/// Calls `visit(first, length, stride)` for every innermost row, in logical order: the row's elements are
/// `first + i * stride`, in elements. Stops when it returns false.
template <class Visit>
void visit_rows(const strided_layout& layout, Visit&& visit) {
  const auto& [shape, strides] = layout;
  if (shape.empty()) {
    visit(index_t{0}, index_t{1}, index_t{1});
    return;
  }
  for (const index_t extent : shape) {
    if (extent == 0) return;
  }
  const std::size_t outer = shape.size() - 1;
  std::vector<index_t> position(outer, 0);
  index_t first = 0;
  while (visit(first, shape[outer], strides[outer])) {
    std::size_t axis = outer;
    while (axis > 0) {
      --axis;
      first += strides[axis];
      if (++position[axis] < shape[axis]) break;
      first -= shape[axis] * strides[axis];
      position[axis] = 0;
      if (axis == 0) return;
    }
    if (outer == 0) return;
  }
}

/// Whether the next row lies closer than the next column, as in column-major matrices.
[[nodiscard]] inline bool runs_down_columns(const strided_layout& layout) {
  const auto& [shape, strides] = layout;
  const std::size_t axes = shape.size();
  if (axes < 2 || shape[axes - 1] < 2 || shape[axes - 2] < 2) return false;
  return strides[axes - 2] < strides[axes - 1];
}

/// A piece of a plane: where its first element lies and is to go, in elements, and its extents.
struct plane_tile {
  index_t from = 0;
  index_t to = 0;
  index_t rows = 0;
  index_t columns = 0;
};

/// The last two axes of a tensor.
struct tensor_plane {
  index_t rows = 0;
  index_t columns = 0;
  index_t row_stride = 0;
  index_t column_stride = 0;

  explicit tensor_plane(const strided_layout& layout) {
    const std::size_t axes = layout.shape.size();
    rows = layout.shape[axes - 2];
    columns = layout.shape[axes - 1];
    row_stride = layout.strides[axes - 2];
    column_stride = layout.strides[axes - 1];
  }
};

/// Calls `visit(tile)` for tiles that cover every plane, a few columns at a time and down these columns: a
/// column-major file is read from front to back, `tile_columns` streams wide, and each page once.
template <class Visit>
void visit_tiles(const strided_layout& layout, Visit&& visit) {
  constexpr index_t tile_rows = 64;
  constexpr index_t tile_columns = 16;  // a cache line of floats in the output
  const tensor_plane plane(layout);
  const std::size_t outer = layout.shape.size() - 2;
  const strided_layout planes{layout.shape.first(outer),
                              layout.strides.first(outer)};  // an element is a plane
  index_t written = 0;
  const auto cut = [&](index_t first) {
    for (index_t c = 0; c < plane.columns; c += tile_columns) {
      for (index_t r = 0; r < plane.rows; r += tile_rows) {
        visit(plane_tile{first + r * plane.row_stride + c * plane.column_stride,
                         written + r * plane.columns + c, std::min(tile_rows, plane.rows - r),
                         std::min(tile_columns, plane.columns - c)});
      }
    }
    written += plane.rows * plane.columns;
  };
  visit_rows(planes, [&](index_t first, index_t length, index_t stride) {
    for (index_t i = 0; i < length; ++i) cut(first + i * stride);
    return true;
  });
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
