// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/pooling.hpp: a thread per channel of a sequence.
#pragma once

#include <cmath>

#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/pooling.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Channels of a block.
inline constexpr int pooling_threads = 128;

/// Row r counts.
[[nodiscard]] DNALM_DEVICE bool is_pooled(const device_pooling& pooling, index_t r) {
  return pooling.left_out.empty() || pooling.left_out[r] == 0;
}

/// This thread's channel.
[[nodiscard]] DNALM_DEVICE index_t pooled_channel() {
  return index_t{block_index().y} * pooling_threads + thread_index();
}

/// The sum or the mean of a channel's numbers.
template <class T>
[[nodiscard]] DNALM_DEVICE float added_up(device_rows<T> x, const device_pooling& pooling, index_t s,
                                          index_t c) {
  double sum = 0.0;
  index_t count = 0;
  for (index_t r = pooling.offsets[s]; r < pooling.offsets[s + 1]; ++r) {
    const bool counts = is_pooled(pooling, r);
    const auto value = static_cast<double>(to_float(x(r, c)));
    sum += counts ? value : 0.0;
    count += counts ? 1 : 0;
  }
  return static_cast<float>(pooling.how == row_reduction::mean ? sum / static_cast<double>(count) : sum);
}

/// The largest of a channel's numbers, as pool_sequences finds it: the first stays until one is larger.
template <class T>
[[nodiscard]] DNALM_DEVICE float largest_of(device_rows<T> x, const device_pooling& pooling, index_t s,
                                            index_t c) {
  float largest = NAN;
  bool none = true;
  for (index_t r = pooling.offsets[s]; r < pooling.offsets[s + 1]; ++r) {
    if (!is_pooled(pooling, r)) continue;
    const float value = to_float(x(r, c));
    largest = none || value > largest ? value : largest;
    none = false;
  }
  return largest;
}

template <class T>
[[nodiscard]] DNALM_DEVICE float first_of(device_rows<T> x, const device_pooling& pooling, index_t s,
                                          index_t c) {
  const index_t r = pooling.offsets[s];
  return r < pooling.offsets[s + 1] ? to_float(x(r, c)) : NAN;
}

template <class T>
DNALM_KERNEL void pool_rows_kernel(device_rows<T> x, device_pooling pooling, device_matrix<float> y) {
  const index_t s = block_index().x;
  const index_t c = pooled_channel();
  if (c >= x.columns) return;
  switch (pooling.how) {
    case row_reduction::largest: y(s, c) = largest_of<T>(x, pooling, s, c); break;
    case row_reduction::first: y(s, c) = first_of<T>(x, pooling, s, c); break;
    default: y(s, c) = added_up<T>(x, pooling, s, c);
  }
}

template <class T>
DNALM_KERNEL void pool_rows_vjp_kernel(device_matrix<const float> dy, device_pooling pooling,
                                       device_matrix<T> dx) {
  const index_t s = block_index().x;
  const index_t c = pooled_channel();
  if (c >= dx.columns) return;
  const index_t begin = pooling.offsets[s];
  const index_t end = pooling.offsets[s + 1];
  const bool only_first = pooling.how == row_reduction::first;
  index_t count = 0;
  for (index_t r = begin; r < end; ++r) count += is_pooled(pooling, r) ? 1 : 0;
  const float u = pooling.how == row_reduction::mean ? dy(s, c) / static_cast<float>(count) : dy(s, c);
  for (index_t r = begin; r < end; ++r) {
    const bool counts = only_first ? r == begin : is_pooled(pooling, r);
    dx(r, c) = to_stored<T>(counts ? u : 0.0F);
  }
}

template <class T>
DNALM_KERNEL void note_non_finite_kernel(device_rows<T> x, device_vector<const index_t> offsets,
                                         device_matrix<float> y) {
  const index_t s = block_index().x;
  const index_t c = pooled_channel();
  if (c >= x.columns) return;
  float sum = y(s, c);
  for (index_t r = offsets[s]; r < offsets[s + 1]; ++r) {
    const float value = to_float(x(r, c));
    sum += value - value;
  }
  y(s, c) = sum;
}

/// A block per sequence and 128 channels.
[[nodiscard]] inline grid_size pooling_grid(const device_pooling& pooling, index_t columns) {
  return {.x = pooling.sequences(), .y = (columns + pooling_threads - 1) / pooling_threads};
}

}  // namespace detail::gpu

template <class T>
void cuda_pool_rows(cuda_stream stream, device_rows<T> x, const device_pooling& pooling,
                    device_matrix<float> y) {
  detail::gpu::launch(detail::gpu::pool_rows_kernel<T>, detail::gpu::pooling_grid(pooling, x.columns),
                      detail::gpu::pooling_threads, 0, stream, x, pooling, y);
}

template <class T>
void cuda_pool_rows_vjp(cuda_stream stream, device_matrix<const float> dy, const device_pooling& pooling,
                        device_matrix<T> dx) {
  if (pooling.how == row_reduction::largest) {
    throw error(error_kind::unsupported, 640, "the largest of rows has no adjoint on a GPU");
  }
  detail::gpu::launch(detail::gpu::pool_rows_vjp_kernel<T>, detail::gpu::pooling_grid(pooling, dx.columns),
                      detail::gpu::pooling_threads, 0, stream, dy, pooling, dx);
}

template <class T>
void cuda_note_non_finite(cuda_stream stream, device_rows<T> x, device_vector<const index_t> offsets,
                          device_matrix<float> y) {
  detail::gpu::launch(detail::gpu::note_non_finite_kernel<T>,
                      detail::gpu::pooling_grid({.offsets = offsets}, x.columns),
                      detail::gpu::pooling_threads, 0, stream, x, offsets, y);
}

DNALM_END_NAMESPACE
