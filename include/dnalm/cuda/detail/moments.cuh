// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/moments.hpp: means by columns, products by tiles of 64 x 64.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/moments.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// z[r, c].
[[nodiscard]] DNALM_DEVICE double leaf_number(const device_leaf& leaf, index_t r, index_t c) {
  const index_t width = leaf.x.columns;
  return c < width ? static_cast<double>(leaf.x(r, c)) : leaf.labels(r, 1 + c - width);
}

/// Warps of a block, which has 32 columns: warp g adds up the rows g, g + 8, ...
inline constexpr int mean_warps = 8;

/// The sum over the block's warps of the numbers of this lane, in the order of the warps, for every thread.
template <int Warps>
[[nodiscard]] DNALM_DEVICE double sum_of_warps(double part) {
  auto* shared = shared_memory<double>();
  shared[thread_index()] = part;
  sync_block();
  double sum = shared[lane()];
  DNALM_UNROLL
  for (int w = 1; w < Warps; ++w) sum += shared[warp_threads * w + lane()];
  sync_block();
  return sum;
}

/// sum of w (z - m)^2 of column c, and factor d^2.
template <int Warps>
[[nodiscard]] DNALM_DEVICE double squares_of(const device_leaf& leaf, const leaf_share& share, index_t c,
                                             bool has_column, double mean, double distance) {
  double part = 0.0;
  for (index_t r = warp(); has_column && r < leaf.x.rows; r += Warps) {
    const double deviation = leaf_number(leaf, r, c) - mean;
    part = std::fma(leaf.labels(r, 0) * deviation, deviation, part);
  }
  return sum_of_warps<Warps>(part) + share.factor * distance * distance;
}

/// scratch(0, c) = the mean m of column c over the leaf, scratch(1, c) = d; the means and squares after it.
template <int Warps>
DNALM_KERNEL void leaf_means_kernel(device_leaf leaf, leaf_share share, device_moments<const double> before,
                                    device_matrix<double> scratch, device_moments<double> after) {
  const index_t width = leaf.x.columns;
  const index_t first_column = index_t{block_index().x} * warp_threads;
  const index_t c = first_column + lane();
  const bool has_column = c < scratch.columns;
  double part = 0.0;
  for (index_t r = warp(); has_column && r < leaf.x.rows; r += Warps) {
    part = std::fma(leaf.labels(r, 0), leaf_number(leaf, r, c), part);
  }
  const double mean = sum_of_warps<Warps>(part) / share.leaf;
  const double old_mean = share.first || !has_column ? 0.0 : before.mean[c];
  const double distance = share.first ? 0.0 : mean - old_mean;
  double squares = 0.0;
  if (first_column + warp_threads > width) {  // the same for the whole block: some of its columns are labels
    squares = squares_of<Warps>(leaf, share, c, has_column, mean, distance);
  }
  if (!has_column || warp() != 0) return;
  scratch(0, c) = mean;
  scratch(1, c) = distance;
  after.mean[c] = share.first ? mean : old_mean + share.fraction * distance;
  if (c >= width) after.squares[c - width] = share.first ? squares : before.squares[c - width] + squares;
}

inline constexpr int moment_tile = 64;      ///< columns of a tile, and rows
inline constexpr int moment_depth = 16;     ///< rows of the leaf in shared memory at a time
inline constexpr int moment_threads = 256;  ///< 16 x 16, each with 4 x 4 numbers of the tile

/// What row r of the leaf adds: z - m for its rows, d for the row behind them, 0 beyond.
[[nodiscard]] DNALM_DEVICE double centred_number(const device_leaf& leaf,
                                                 const device_matrix<double>& scratch, index_t r, index_t c) {
  if (c >= scratch.columns || r > leaf.x.rows) return 0.0;
  return r == leaf.x.rows ? scratch(1, c) : leaf_number(leaf, r, c) - scratch(0, c);
}

/// Rows [r, r + 16) of 64 columns at `first` in shared memory, times their weights if they are to be
/// weighted.
DNALM_DEVICE void load_centred(const device_leaf& leaf, const leaf_share& share,
                               const device_matrix<double>& scratch, index_t r, index_t first, bool weighted,
                               double* to) {
  for (int i = thread_index(); i < moment_depth * moment_tile; i += moment_threads) {
    const index_t row = r + i / moment_tile;
    const double value = centred_number(leaf, scratch, row, first + i % moment_tile);
    const double weight = !weighted ? 1.0 : row < leaf.x.rows ? leaf.labels(row, 0) : share.factor;
    to[i] = weight * value;
  }
}

/// A block's tile of products; those with a column above their row are left as they are.
template <int Tile>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(moment_threads, 2)
    leaf_products_kernel(device_leaf leaf, leaf_share share, device_moments<const double> before,
                         device_matrix<double> scratch, device_moments<double> after) {
  const grid_place tile = block_index();
  if (tile.y > tile.x) return;
  const index_t first_row = index_t{tile.x} * Tile + thread_index() / 16;
  const index_t first_column = index_t{tile.y} * Tile + thread_index() % 16;
  auto* by_row = shared_memory<double>();
  double* by_column = by_row + moment_depth * Tile;
  double sums[4][4] = {};
  for (index_t r = 0; r <= leaf.x.rows; r += moment_depth) {
    load_centred(leaf, share, scratch, r, index_t{tile.x} * Tile, true, by_row);
    load_centred(leaf, share, scratch, r, index_t{tile.y} * Tile, false, by_column);
    sync_block();
    for (int k = 0; k < moment_depth; ++k) {
      const double* a = by_row + k * Tile + thread_index() / 16;
      const double* b = by_column + k * Tile + thread_index() % 16;
      DNALM_UNROLL
      for (int i = 0; i < 4; ++i) {
        DNALM_UNROLL
        for (int j = 0; j < 4; ++j) sums[i][j] = std::fma(a[16 * i], b[16 * j], sums[i][j]);
      }
    }
    sync_block();
  }
  DNALM_UNROLL
  for (int i = 0; i < 4; ++i) {
    const index_t row = first_row + 16 * i;
    DNALM_UNROLL
    for (int j = 0; j < 4; ++j) {
      const index_t column = first_column + 16 * j;
      if (row >= after.products.rows || column >= after.products.columns || column > row) continue;
      after.products(row, column) = share.first ? sums[i][j] : before.products(row, column) + sums[i][j];
    }
  }
}

}  // namespace detail::gpu

DNALM_EMITTED void cuda_add_leaf(cuda_stream stream, const device_leaf& leaf, const leaf_share& share,
                                 const device_moments<const double>& before, device_matrix<double> scratch,
                                 const device_moments<double>& after) {
  using namespace detail::gpu;
  if (leaf.x.rows == 0) return;
  const auto parts = [](index_t numbers, int size) { return (numbers + size - 1) / size; };
  constexpr int mean_threads = mean_warps * warp_threads;
  launch(leaf_means_kernel<mean_warps>, {.x = parts(scratch.columns, warp_threads)}, mean_threads,
         mean_threads * static_cast<index_t>(sizeof(double)), stream, leaf, share, before, scratch, after);
  launch(leaf_products_kernel<moment_tile>,
         {.x = parts(scratch.columns, moment_tile), .y = parts(leaf.x.columns, moment_tile)}, moment_threads,
         2 * moment_depth * moment_tile * static_cast<index_t>(sizeof(double)), stream, leaf, share, before,
         scratch, after);
}

DNALM_END_NAMESPACE
