// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/rms_norm.hpp.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/rms_norm.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// 1 / sqrt(mean(x^2) + eps) of a row, the same bits in every thread.
template <class T, int Threads>
[[nodiscard]] DNALM_DEVICE float rms_factor(row_team<Threads> team, const T* x, int columns, float eps) {
  constexpr int n = pack_of<T>;
  float squares = 0.0F;
  team.template for_each_part<n>(columns, [&](int c, int count) {
    float v[n];
    load_numbers(x + c, count, v);
    DNALM_UNROLL
    for (int i = 0; i < n; ++i) squares += v[i] * v[i];
  });
  return 1.0F / std::sqrt(team.sum(squares) / static_cast<float>(columns) + eps);
}

template <class T>
struct rms_norm_rows {
  device_rows<T> x;
  device_vector<const float> gamma;
  float eps;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const T* row = x.row_data(r);
    const int columns = static_cast<int>(x.columns);
    const float factor = rms_factor(team, row, columns, eps);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float v[n];
      float g[n];
      load_numbers(row + c, count, v);
      load_numbers(gamma.data + c, count, g);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] = v[i] * factor * g[i];
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

template <class T>
struct rms_norm_vjp_rows {
  device_rows<T> x;
  device_vector<const float> gamma;
  float eps;
  device_rows<T> dy;
  device_matrix<T> dx;

  /// g = dy gamma and h = x factor of one part; 0 beyond its end.
  template <int N>
  DNALM_DEVICE void load_part(index_t r, int c, int count, float factor, float (&g)[N], float (&h)[N]) const {
    float weights[N];
    load_numbers(x.row_data(r) + c, count, h);
    load_numbers(dy.row_data(r) + c, count, g);
    load_numbers(gamma.data + c, count, weights);
    DNALM_UNROLL
    for (int i = 0; i < N; ++i) {
      g[i] *= weights[i];
      h[i] *= factor;
    }
  }

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const int columns = static_cast<int>(x.columns);
    const float factor = rms_factor(team, x.row_data(r), columns, eps);
    float sum = 0.0F;
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float g[n];
      float h[n];
      load_part(r, c, count, factor, g, h);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) sum += g[i] * h[i];
    });
    const float mean = team.sum(sum) / static_cast<float>(columns);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float g[n];
      float h[n];
      load_part(r, c, count, factor, g, h);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) g[i] = factor * (g[i] - h[i] * mean);
      store_numbers(g, count, dx.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_rms_norm(cuda_stream stream, device_rows<T> x, device_vector<const float> gamma, float eps,
                   device_matrix<T> y) {
  detail::gpu::launch_rows(stream, x.rows, x.columns, detail::gpu::rms_norm_rows<T>{x, gamma, eps, y});
}

template <class T>
void cuda_rms_norm_vjp(cuda_stream stream, device_rows<T> x, device_vector<const float> gamma, float eps,
                       device_rows<T> dy, device_matrix<T> dx) {
  detail::gpu::launch_rows(stream, x.rows, x.columns,
                           detail::gpu::rms_norm_vjp_rows<T>{x, gamma, eps, dy, dx});
}

DNALM_END_NAMESPACE
