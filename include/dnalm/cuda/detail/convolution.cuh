// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/convolution.hpp.
#pragma once

#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/convolution.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/sequence_rows.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

template <class T>
struct gather_taps {
  device_matrix<const float> x;
  device_resizing rows;
  convolution_taps taps;
  index_t first;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const resized_row at = find_resized_row(rows.to, rows.from, first + r);
    const index_t read = at.other.begin + at.place * taps.stride;
    const int columns = static_cast<int>(x.columns);
    const int parts = (columns + n - 1) / n;  // of a tap
    T* to = y.row_data(r);
    for (int p = team.rank(); p < static_cast<int>(taps.taps) * parts; p += Threads) {
      const int t = p / parts;
      const int c = (p - t * parts) * n;
      const int count = columns - c < n ? columns - c : n;
      const index_t row = read + taps.offset(t);
      float v[n] = {};
      if (at.other.holds(row)) load_numbers(x.row_data(row) + c, count, v);
      store_numbers(v, count, to + index_t{t} * columns + c);
    }
    for (int c = static_cast<int>(taps.taps) * columns + team.rank(); c < y.columns; c += Threads) {
      to[c] = to_stored<T>(0.0F);
    }
  }
};

struct sum_taps {
  device_matrix<const float> z;
  index_t z_first;
  device_resizing rows;
  convolution_taps taps;
  index_t first;
  device_matrix<const float> residual;
  device_matrix<float> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const resized_row at = find_resized_row(rows.from, rows.to, first + r);
    team.template for_each_part<n>(static_cast<int>(dx.columns), [&](int c, int count) {
      float sum[n] = {};
      float v[n];
      for (index_t t = 0; t < taps.taps; ++t) {
        const index_t steps = at.place - taps.offset(t);  // strides from the sequence's first output
        if (steps < 0 || steps % taps.stride != 0) continue;
        const index_t row = at.other.begin + steps / taps.stride;
        if (!at.other.holds(row)) continue;
        load_numbers(z.row_data(row - z_first) + t * dx.columns + c, count, v);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) sum[i] += v[i];
      }
      if (residual.data != nullptr) {
        load_numbers(residual.row_data(r) + c, count, v);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) sum[i] = v[i] + sum[i];
      }
      store_numbers(sum, count, dx.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_gather_taps(cuda_stream stream, device_matrix<const float> x, const device_resizing& rows,
                      const convolution_taps& taps, index_t first, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::gather_taps<T>{x, rows, taps, first, y});
}

DNALM_EMITTED void cuda_sum_taps(cuda_stream stream, device_matrix<const float> z, index_t z_first,
                                 const device_resizing& rows, const convolution_taps& taps, index_t first,
                                 device_matrix<const float> residual, device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns,
                           detail::gpu::sum_taps{z, z_first, rows, taps, first, residual, dx});
}

DNALM_END_NAMESPACE
