// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/multiply.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/multiply.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

struct multiply_rows {
  device_matrix<const float> a;
  device_matrix<const float> b;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float u[n];
      float v[n];
      load_numbers(a.row_data(r) + c, count, u);
      load_numbers(b.row_data(r) + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) u[i] *= v[i];
      store_numbers(u, count, y.row_data(r) + c);
    });
  }
};

struct multiply_vjp_rows {
  device_matrix<const float> a;
  device_matrix<const float> b;
  device_matrix<const float> dy;
  device_matrix<float> da;
  device_matrix<float> db;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    team.template for_each_part<n>(static_cast<int>(dy.columns), [&](int c, int count) {
      float u[n];
      float v[n];
      float g[n];
      load_numbers(a.row_data(r) + c, count, u);
      load_numbers(b.row_data(r) + c, count, v);
      load_numbers(dy.row_data(r) + c, count, g);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) {
        u[i] *= g[i];
        v[i] *= g[i];
      }
      store_numbers(v, count, da.row_data(r) + c);
      store_numbers(u, count, db.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

DNALM_EMITTED void cuda_multiply(cuda_stream stream, device_matrix<const float> a,
                                 device_matrix<const float> b, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::multiply_rows{a, b, y});
}

DNALM_EMITTED void cuda_multiply_vjp(cuda_stream stream, device_matrix<const float> a,
                                     device_matrix<const float> b, device_matrix<const float> dy,
                                     device_matrix<float> da, device_matrix<float> db) {
  detail::gpu::launch_rows(stream, dy.rows, dy.columns, detail::gpu::multiply_vjp_rows{a, b, dy, da, db});
}

DNALM_END_NAMESPACE
