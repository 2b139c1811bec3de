// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The rows of a sequence in the order of a scan, and the memory of a scan's adjoint.
#pragma once

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

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

/// Rows that an adjoint takes at once, as sum_fours has them. Those of a chunk that are left over go one by
/// one.
inline constexpr int scan_tile = 4;

/// The number of the tile or single row of a chunk of `count` rows that begins at row i.
[[nodiscard]] inline index_t scan_slot(index_t count, index_t i) {
  const index_t tiles = count / scan_tile;
  return i < tiles * scan_tile ? i / scan_tile : tiles + i - tiles * scan_tile;
}

/// Of a chunk of at most `rows` rows.
[[nodiscard]] inline index_t scan_slots(index_t rows) {
  return rows / scan_tile + scan_tile - 1;
}

/// What an adjoint works in, for blocks of 16 channels and N states.
struct scan_vjp_memory {
  float* rates;               ///< (blocks, N, 16)
  float* g;                   ///< (blocks, N, 16): the gradient that goes along
  matrix_view<float> starts;  ///< (chunks - 1, blocks N 16): place for the states before chunks
  float*
      history;    ///< (chunk + 1, N, 16): of one block, the states before a chunk and behind each of its rows
  float* decays;  ///< (chunk, N, 16): of one block
  float* steps;   ///< (chunk, 2, 16): of one block, d and its slope
  float* sums;    ///< (slots, 2 N, 16): gradients by B and C, four lanes for each row of a tile
  index_t chunk;
  matrix_view<const float> kept;  ///< as `starts`; no rows: they are computed
};

}  // namespace detail
DNALM_END_NAMESPACE
