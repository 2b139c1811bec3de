// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/norm_pool.hpp: a block for 32 rows of a sequence, then a thread per channel.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/layer_norm.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/norm_pool.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Sums of parts, in scratch. Part p of sequence s has row offsets[s] / 32 + s + p: there are enough before
/// the next sequence's.
struct part_sums {
  device_matrix<double> counted;  ///< of the rows that are not left out
  device_matrix<double> all;

  [[nodiscard]] static DNALM_DEVICE index_t place(const norm_pool_batch& batch, index_t s, index_t part) {
    return batch.offsets[s] / norm_pool_rows + s + part;
  }
};

/// The sums of rows [begin, end) by columns.
DNALM_DEVICE void add_part(const device_matrix<const float>& x, const norm_pool_batch& batch, index_t begin,
                           index_t end, index_t place, const part_sums& sums) {
  for (index_t c = thread_index(); c < x.columns; c += block_threads()) {
    double counted = 0.0;
    double all = 0.0;
    for (index_t r = begin; r < end; ++r) {
      const auto value = static_cast<double>(x(r, c));
      all += value;
      counted += batch.left_out.empty() || batch.left_out[r] == 0 ? value : 0.0;
    }
    sums.counted(place, c) = counted;
    sums.all(place, c) = all;
  }
}

/// Pools before it writes: y may be x.
template <int Threads, class T>
DNALM_KERNEL void norm_pool_kernel(layer_norm_rows<T, float> norm, norm_pool_batch batch, part_sums sums) {
  const index_t s = block_index().x;
  const index_t part = block_index().y;
  const index_t begin = batch.offsets[s] + part * norm_pool_rows;
  const index_t last = batch.offsets[s + 1];
  if (begin >= last) return;
  const index_t end = last - begin < norm_pool_rows ? last : begin + norm_pool_rows;
  add_part(norm.x, batch, begin, end, part_sums::place(batch, s, part), sums);
  sync_block();
  const int teams = block_threads() / Threads;
  for (index_t r = begin + thread_index() / Threads; r < end; r += teams) norm(r, row_team<Threads>{});
}

template <int Threads>
DNALM_KERNEL void join_parts_kernel(norm_pool_batch batch, part_sums sums, device_pooled_rows pooled) {
  const index_t s = block_index().x;
  const index_t c = index_t{block_index().y} * Threads + thread_index();
  if (c >= sums.all.columns) return;
  const index_t begin = batch.offsets[s];
  const index_t end = batch.offsets[s + 1];
  double counted = 0.0;
  double all = 0.0;
  for (index_t part = 0; begin + part * norm_pool_rows < end; ++part) {
    counted += sums.counted(part_sums::place(batch, s, part), c);
    all += sums.all(part_sums::place(batch, s, part), c);
  }
  if (pooled.mean.data != nullptr) {
    index_t rows = 0;
    for (index_t r = begin; r < end; ++r) {
      rows += batch.left_out.empty() || batch.left_out[r] == 0 ? 1 : 0;
    }
    pooled.mean(s, c) = static_cast<float>(counted / static_cast<double>(rows));
  }
  if (pooled.mean_all.data != nullptr) {
    pooled.mean_all(s, c) = static_cast<float>(all / static_cast<double>(end - begin));
  }
  // Floats never add up to an infinite double: only those that are not finite do.
  if (pooled.noted.data != nullptr && !(all - all == 0.0)) pooled.noted(s, c) = NAN;
}

template <int Threads, class T>
void launch_norm_pool(cuda_stream stream, const layer_norm_rows<T, float>& norm, const norm_pool_batch& batch,
                      const part_sums& sums) {
  constexpr int threads = 256;  // as launch_rows for wide rows, whose bits depend on it
  const index_t parts = (batch.longest + norm_pool_rows - 1) / norm_pool_rows;
  launch(norm_pool_kernel<Threads, T>, {.x = batch.sequences(), .y = parts}, threads,
         threads / warp_threads * static_cast<index_t>(sizeof(float)), stream, norm, batch, sums);
}

}  // namespace detail::gpu

template <class T>
void cuda_norm_pool(cuda_stream stream, device_matrix<const float> x, device_vector<const float> gamma,
                    device_vector<const float> beta, float eps, const norm_pool_batch& batch,
                    device_vector<double> scratch, device_matrix<T> y, const device_pooled_rows& pooled) {
  using namespace detail::gpu;
  check_columns(x.columns);
  const index_t parts = x.rows / norm_pool_rows + batch.sequences() + 1;
  const device_matrix<double> counted{scratch.data, parts, x.columns, x.columns};
  const part_sums sums{counted, {scratch.data + parts * x.columns, parts, x.columns, x.columns}};
  const layer_norm_rows<T, float> norm{x, gamma, beta, eps, y};
  if (x.columns <= widest_warp_row) {
    launch_norm_pool<warp_threads>(stream, norm, batch, sums);
  } else {
    launch_norm_pool<256>(stream, norm, batch, sums);
  }
  constexpr int channels = 128;
  launch(join_parts_kernel<channels>, {.x = batch.sequences(), .y = (x.columns + channels - 1) / channels},
         channels, 0, stream, batch, sums, pooled);
}

DNALM_END_NAMESPACE
