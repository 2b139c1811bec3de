// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Which sequence of a packed batch a row is of.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Rows [begin, end).
struct row_span {
  index_t begin;
  index_t end;

  [[nodiscard]] DNALM_DEVICE bool holds(index_t r) const { return r >= begin && r < end; }
  [[nodiscard]] DNALM_DEVICE index_t size() const { return end - begin; }
};

/// The sequence of row r: that of the last offset <= r (empty sequences begin there as well).
[[nodiscard]] DNALM_DEVICE index_t sequence_of_row(const device_vector<const index_t>& offsets, index_t r) {
  index_t low = 0;  // offsets[low] <= r < offsets[high]
  index_t high = offsets.size - 1;
  while (high - low > 1) {
    const index_t middle = low + (high - low) / 2;
    if (offsets[middle] <= r) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

/// The rows of a sequence.
[[nodiscard]] DNALM_DEVICE row_span rows_of_sequence(const device_vector<const index_t>& offsets, index_t s) {
  return {offsets[s], offsets[s + 1]};
}

/// The rows of row r's sequence.
[[nodiscard]] DNALM_DEVICE row_span span_of_row(const device_vector<const index_t>& offsets, index_t r) {
  return rows_of_sequence(offsets, sequence_of_row(offsets, r));
}

/// A row of a kernel's output whose input has other rows: its place in its sequence, and that sequence's rows
/// of the input.
struct resized_row {
  index_t place;
  row_span own;    ///< of the sequence in the matrix of the row
  row_span other;  ///< of the same sequence in the other matrix
};
[[nodiscard]] DNALM_DEVICE resized_row find_resized_row(const device_vector<const index_t>& own,
                                                        const device_vector<const index_t>& other,
                                                        index_t r) {
  const index_t s = sequence_of_row(own, r);
  const row_span rows = rows_of_sequence(own, s);
  return {r - rows.begin, rows, rows_of_sequence(other, s)};
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
