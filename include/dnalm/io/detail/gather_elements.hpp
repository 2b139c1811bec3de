// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Copies the elements of a strided tensor, of any width, into row-major order.
#pragma once

#include <cstddef>
#include <cstring>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/detail/strided.hpp>
#include <dnalm/io/stored_tensor.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// Copies elements of `width` bytes row by row, or tile by tile where rows lie far apart in the file.
inline void gather_elements(const stored_tensor& tensor, std::size_t width, std::byte* out) {
  const std::byte* bytes = tensor.bytes.data();
  const auto step = static_cast<index_t>(width);
  if (!runs_down_columns({tensor.info.shape, tensor.strides})) {
    visit_rows({tensor.info.shape, tensor.strides}, [&](index_t first, index_t length, index_t stride) {
      for (index_t i = 0; i < length; ++i, out += width) {
        std::memcpy(out, bytes + (first + i * stride) * step, width);
      }
      return true;
    });
    return;
  }
  const tensor_plane plane({tensor.info.shape, tensor.strides});
  visit_tiles({tensor.info.shape, tensor.strides}, [&](const plane_tile& tile) {
    for (index_t r = 0; r < tile.rows; ++r) {
      const std::byte* from = bytes + (tile.from + r * plane.row_stride) * step;
      std::byte* to = out + (tile.to + r * plane.columns) * step;
      for (index_t c = 0; c < tile.columns; ++c) {
        std::memcpy(to + c * step, from + c * plane.column_stride * step, width);
      }
    }
  });
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
