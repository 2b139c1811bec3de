// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/softmax.hpp.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/softmax.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

template <class T>
struct softmax_rows {
  device_matrix<T> x;

  template <int Threads>
  [[nodiscard]] DNALM_DEVICE float largest_of(row_team<Threads> team, const T* row, int columns) const {
    constexpr int n = pack_of<T>;
    float largest = to_float(row[0]);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float v[n];
      load_numbers(row + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) largest = i < count && v[i] > largest ? v[i] : largest;
    });
    return team.max(largest);
  }

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    T* row = x.row_data(r);
    const int columns = static_cast<int>(x.columns);
    const float largest = largest_of(team, row, columns);
    float part_sum = 0.0F;
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float v[n];
      load_numbers(row + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) part_sum += i < count ? std::exp(v[i] - largest) : 0.0F;
    });
    const float sum = team.sum(part_sum);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float v[n];
      load_numbers(row + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] = std::exp(v[i] - largest) / sum;
      store_numbers(v, count, row + c);
    });
  }
};

template <class T>
struct softmax_vjp_rows {
  device_rows<T> p;
  device_rows<T> dp;
  device_matrix<T> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const int columns = static_cast<int>(p.columns);
    float part_sum = 0.0F;
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float a[n];
      float b[n];
      load_numbers(p.row_data(r) + c, count, a);
      load_numbers(dp.row_data(r) + c, count, b);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) part_sum += a[i] * b[i];
    });
    const float mean = team.sum(part_sum);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float a[n];
      float b[n];
      load_numbers(p.row_data(r) + c, count, a);
      load_numbers(dp.row_data(r) + c, count, b);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) b[i] = a[i] * (b[i] - mean);
      store_numbers(b, count, dx.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_softmax_rows(cuda_stream stream, device_matrix<T> x) {
  detail::gpu::launch_rows(stream, x.rows, x.columns, detail::gpu::softmax_rows<T>{x});
}

template <class T>
void cuda_softmax_rows_vjp(cuda_stream stream, device_rows<T> p, device_rows<T> dp, device_matrix<T> dx) {
  detail::gpu::launch_rows(stream, p.rows, p.columns, detail::gpu::softmax_vjp_rows<T>{p, dp, dx});
}

DNALM_END_NAMESPACE
