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
  device_vector<const index_t> offsets;
  convolution_taps taps;
  index_t first;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const row_span rows = span_of_row(offsets, first + r);
    const int columns = static_cast<int>(x.columns);
    const int parts = (columns + n - 1) / n;  // of a tap
    T* to = y.row_data(r);
    for (int p = team.rank(); p < static_cast<int>(taps.taps) * parts; p += Threads) {
      const int t = p / parts;
      const int c = (p - t * parts) * n;
      const int count = columns - c < n ? columns - c : n;
      const index_t row = first + r + taps.offset(t);
      float v[n] = {};
      if (rows.holds(row)) load_numbers(x.row_data(row) + c, count, v);
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
  device_vector<const index_t> offsets;
  convolution_taps taps;
  index_t first;
  device_matrix<const float> residual;
  device_matrix<float> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const row_span rows = span_of_row(offsets, first + r);
    team.template for_each_part<n>(static_cast<int>(dx.columns), [&](int c, int count) {
      float sum[n] = {};
      float v[n];
      for (index_t t = 0; t < taps.taps; ++t) {
        const index_t row = first + r - taps.offset(t);
        if (!rows.holds(row)) continue;
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
void cuda_gather_taps(cuda_stream stream, device_matrix<const float> x, device_vector<const index_t> offsets,
                      const convolution_taps& taps, index_t first, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns,
                           detail::gpu::gather_taps<T>{x, offsets, taps, first, y});
}

DNALM_EMITTED void cuda_sum_taps(cuda_stream stream, device_matrix<const float> z, index_t z_first,
                                 device_vector<const index_t> offsets, const convolution_taps& taps,
                                 index_t first, device_matrix<const float> residual,
                                 device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns,
                           detail::gpu::sum_taps{z, z_first, offsets, taps, first, residual, dx});
}

DNALM_END_NAMESPACE
