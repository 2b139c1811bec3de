// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The rows of a sequence in the order of a scan, and the memory of a scan's adjoint.
#pragma once

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Row number i of a scan over rows [first, first + count).
struct scan_rows {
  index_t first;
  index_t count;
  index_t start;
  index_t step;

  scan_rows(index_t first_row, index_t rows, scan_order order)
      : first(first_row),
        count(rows),
        start(order == scan_order::forward ? first_row : first_row + rows - 1),
        step(order == scan_order::forward ? 1 : -1) {}
  [[nodiscard]] index_t at(index_t i) const { return start + i * step; }
};

/// For a block of 16 channels, numbers (N, 16) each: rates, the gradient that goes along, the states before
/// every chunk, and those behind every row of one.
struct scan_vjp_memory {
  float* rates;
  float* g;
  float* starts;
  float* history;
  index_t chunk;
};

}  // namespace detail
DNALM_END_NAMESPACE
