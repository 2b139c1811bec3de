// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Walking the elements of a strided tensor in logical order, and in an order that suits its memory.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/stored_tensor.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Calls `visit(first, length, stride)` for every innermost row, in logical order: the row's elements are
/// `first + i * stride`, in elements. Stops when it returns false.
template <class Visit>
void visit_rows(const stored_tensor& tensor, Visit&& visit) {
  const auto& shape = tensor.info.shape;
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
  while (visit(first, shape[outer], tensor.strides[outer])) {
    std::size_t axis = outer;
    while (axis > 0) {
      --axis;
      first += tensor.strides[axis];
      if (++position[axis] < shape[axis]) break;
      first -= shape[axis] * tensor.strides[axis];
      position[axis] = 0;
      if (axis == 0) return;
    }
    if (outer == 0) return;
  }
}

/// Whether the next row lies closer than the next column, as in column-major matrices.
[[nodiscard]] inline bool runs_down_columns(const stored_tensor& tensor) {
  const std::size_t axes = tensor.info.shape.size();
  if (axes < 2 || tensor.info.shape[axes - 1] < 2 || tensor.info.shape[axes - 2] < 2) return false;
  return tensor.strides[axes - 2] < tensor.strides[axes - 1];
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

  explicit tensor_plane(const stored_tensor& tensor) {
    const std::size_t axes = tensor.info.shape.size();
    rows = tensor.info.shape[axes - 2];
    columns = tensor.info.shape[axes - 1];
    row_stride = tensor.strides[axes - 2];
    column_stride = tensor.strides[axes - 1];
  }
};

/// Calls `visit(tile)` for tiles that cover every plane, a few columns at a time and down these columns: a
/// column-major file is read from front to back, `tile_columns` streams wide, and each page once.
template <class Visit>
void visit_tiles(const stored_tensor& tensor, Visit&& visit) {
  constexpr index_t tile_rows = 64;
  constexpr index_t tile_columns = 16;  // a cache line of floats in the output
  const tensor_plane plane(tensor);
  stored_tensor planes = tensor;  // the axes before the last two: one element is one plane
  planes.info.shape.resize(tensor.info.shape.size() - 2);
  planes.strides.resize(planes.info.shape.size());
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
