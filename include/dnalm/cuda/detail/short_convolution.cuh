// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/short_convolution.hpp.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/sequence_rows.cuh>
#include <dnalm/cuda/short_convolution.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// y[t] = bias + sum over j of w[j] x[t + from + step j], rows outside of the sequence being zeros.
struct short_convolution_rows {
  device_matrix<const float> x;
  device_matrix<const float> w;
  device_vector<const float> bias;  // empty: 0
  device_vector<const index_t> offsets;
  index_t from;
  index_t step;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const row_span rows = span_of_row(offsets, r);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float sum[n] = {};
      if (!bias.empty()) load_numbers(bias.data + c, count, sum);
      for (index_t j = 0; j < w.rows; ++j) {
        const index_t row = r + from + step * j;
        if (!rows.holds(row)) continue;
        float tap[n];
        float v[n];
        load_numbers(w.row_data(j) + c, count, tap);
        load_numbers(x.row_data(row) + c, count, v);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) sum[i] = std::fma(tap[i], v[i], sum[i]);
      }
      store_numbers(sum, count, y.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

DNALM_EMITTED void cuda_short_convolution(cuda_stream stream, device_matrix<const float> x,
                                          device_matrix<const float> w, device_vector<const float> bias,
                                          device_vector<const index_t> offsets, device_matrix<float> y) {
  detail::gpu::launch_rows(
      stream, y.rows, y.columns,
      detail::gpu::short_convolution_rows{x, w, bias, offsets, 1 - w.rows, index_t{1}, y});
}

DNALM_EMITTED void cuda_short_convolution_vjp(cuda_stream stream, device_matrix<const float> dy,
                                              device_matrix<const float> w,
                                              device_vector<const index_t> offsets, device_matrix<float> dx) {
  detail::gpu::launch_rows(
      stream, dx.rows, dx.columns,
      detail::gpu::short_convolution_rows{dy, w, {}, offsets, w.rows - 1, index_t{-1}, dx});
}

DNALM_EMITTED void cuda_short_convolution_back(cuda_stream stream, device_matrix<const float> x,
                                               device_matrix<const float> w, device_vector<const float> bias,
                                               device_vector<const index_t> offsets, device_matrix<float> y) {
  detail::gpu::launch_rows(
      stream, y.rows, y.columns,
      detail::gpu::short_convolution_rows{x, w, bias, offsets, w.rows - 1, index_t{-1}, y});
}

DNALM_EMITTED void cuda_short_convolution_back_vjp(cuda_stream stream, device_matrix<const float> dy,
                                                   device_matrix<const float> w,
                                                   device_vector<const index_t> offsets,
                                                   device_matrix<float> dx) {
  detail::gpu::launch_rows(
      stream, dx.rows, dx.columns,
      detail::gpu::short_convolution_rows{dy, w, {}, offsets, 1 - w.rows, index_t{1}, dx});
}

DNALM_END_NAMESPACE
