// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows of a value of sequences that differ from one in a single letter, and the memory they lie in.
#pragma once

#include <cstddef>
#include <vector>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/detail/row_ranges.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The first numbers of `memory` as a matrix (rows x columns). A memory that is too small is given back
/// first, and what it held is lost.
template <class B>
[[nodiscard]] output_matrix<B> kept_matrix(const B& backend, typename B::vector& memory, index_t rows,
                                           index_t columns) {
  const index_t size = checked_mul(rows, columns);
  if (memory.size() < size) {
    memory = {};  // before the larger one is there
    memory = backend.allocate(size);
  }
  return {memory.view().data, rows, columns, columns};
}

/// Rows of a value: of every edit those of its range, one behind the other.
template <class B>
struct edited_rows {
  std::vector<row_range> ranges = {};
  std::vector<index_t> starts = {};  ///< of each edit's rows
  typename B::vector memory = {};
  index_t rows = 0;  ///< of all edits

  /// Adds an edit.
  void append(const row_range& range) {
    ranges.push_back(range);
    starts.push_back(rows);
    rows += range.size();
  }
  /// Forgets all edits; the memory stays.
  void clear() {
    ranges.clear();
    starts.clear();
    rows = 0;
  }
  /// Memory for the rows (rows x columns).
  [[nodiscard]] output_matrix<B> matrix(const B& backend, index_t columns) {
    return kept_matrix(backend, memory, rows, columns);
  }
  /// Rows `wanted` of an edit's value of `length` rows: edited ones where there are such, those of
  /// `reference` elsewhere, zeros outside of the value. Returns the place behind them.
  scalar_of<B>* copy(std::size_t edit, const row_range& wanted, const scalar_of<B>* reference, index_t length,
                     index_t columns, scalar_of<B>* out) const {
    const row_range& changed = ranges[edit];
    const scalar_of<B>* own = memory.view().data;
    if (changed.size() > 0) own += starts[edit] * columns;
    return copy_edited_rows<scalar_of<B>>(wanted, changed, own, reference, length, columns, out);
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
