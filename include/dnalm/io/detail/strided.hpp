// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Walking the elements of a strided tensor in logical order.
#pragma once

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

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
