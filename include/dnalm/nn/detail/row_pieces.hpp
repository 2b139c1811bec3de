// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The rows of a batch cut into pieces: a long sequence runs some positions at a time.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Rows [first, first + rows) of one sequence, and how many rows of it right before them are read too.
struct row_piece {
  index_t first = 0;
  index_t rows = 0;
  index_t before = 0;
};

/// The pieces of all sequences in order, `piece` rows each but for the last of a sequence; up to `reach` rows
/// before each.
[[nodiscard]] inline std::vector<row_piece> cut_rows(const ragged_offsets& offsets, index_t piece,
                                                     index_t reach) {
  std::vector<row_piece> pieces;
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    for (index_t row = 0; row < offsets.length(s); row += piece) {
      const index_t rows = std::min(piece, offsets.length(s) - row);
      pieces.push_back({offsets.begin(s) + row, rows, std::min(reach, row)});
    }
  }
  return pieces;
}

/// The offsets of one sequence.
[[nodiscard]] inline ragged_offsets one_sequence(index_t rows) {
  ragged_offsets offsets;
  offsets.append(rows);
  return offsets;
}

}  // namespace detail
DNALM_END_NAMESPACE
