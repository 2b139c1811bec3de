// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/elementwise.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/elementwise.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

template <class T>
struct add_to_rows {
  device_rows<T> x;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float a[n];
      float b[n];
      load_numbers(x.row_data(r) + c, count, a);
      load_numbers(y.row_data(r) + c, count, b);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) b[i] += a[i];
      store_numbers(b, count, y.row_data(r) + c);
    });
  }
};

template <class T>
struct scale_rows {
  float factor;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n];
      load_numbers(y.row_data(r) + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] *= factor;
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_add(cuda_stream stream, device_rows<T> x, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::add_to_rows<T>{x, y});
}

template <class T>
void cuda_scale(cuda_stream stream, float factor, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::scale_rows<T>{factor, y});
}

DNALM_END_NAMESPACE
