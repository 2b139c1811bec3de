// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/layer_norm.hpp.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/layer_norm.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Mean of a row, in two parts, and 1 / sqrt(var + eps).
struct row_moments {
  float mean;
  float missing;  ///< what the first part lacks by rounding
  float factor;

  /// (x - mean) factor.
  [[nodiscard]] DNALM_DEVICE float normalised(float x) const { return ((x - mean) - missing) * factor; }
};

/// The second pass takes the sum of the deviations as well: what the first mean lacks, and what the variance
/// has too much because of it.
template <class T, int Threads>
[[nodiscard]] DNALM_DEVICE row_moments moments_of(row_team<Threads> team, const T* x, int columns,
                                                  float eps) {
  constexpr int n = pack_of<T>;
  const auto width = static_cast<float>(columns);
  float sum = 0.0F;
  team.template for_each_part<n>(columns, [&](int c, int count) {
    float v[n];
    load_numbers(x + c, count, v);
    DNALM_UNROLL
    for (int i = 0; i < n; ++i) sum += v[i];
  });
  const float mean = team.sum(sum) / width;
  float deviations = 0.0F;
  float squares = 0.0F;
  team.template for_each_part<n>(columns, [&](int c, int count) {
    float v[n];
    load_numbers(x + c, count, v);
    DNALM_UNROLL
    for (int i = 0; i < n; ++i) {
      const float d = i < count ? v[i] - mean : 0.0F;
      deviations += d;
      squares += d * d;
    }
  });
  const float missing = team.sum(deviations) / width;
  const float variance = team.sum(squares) / width - missing * missing;
  return {mean, missing, 1.0F / std::sqrt(variance + eps)};
}

/// v = LN(row) of the columns [c, c + count).
template <int N, class X>
DNALM_DEVICE void normed_part(const row_moments& m, const X* row, const float* gamma, const float* beta,
                              int c, int count, float (&v)[N]) {
  float g[N];
  float b[N];
  load_numbers(row + c, count, v);
  load_numbers(gamma + c, count, g);
  load_numbers(beta + c, count, b);
  DNALM_UNROLL
  for (int i = 0; i < N; ++i) v[i] = m.normalised(v[i]) * g[i] + b[i];
}

template <class T, class X>
struct layer_norm_rows {
  device_rows<X> x;
  device_vector<const float> gamma;
  device_vector<const float> beta;
  float eps;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of < T >> pack_of<X> ? pack_of<T> : pack_of<X>;
    const X* row = x.row_data(r);
    const int columns = static_cast<int>(x.columns);
    const row_moments m = moments_of(team, row, columns, eps);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float v[n];
      normed_part(m, row, gamma.data, beta.data, c, count, v);
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

template <class Z>
struct layer_norm_both_rows {
  device_matrix<const float> x;
  device_vector<const float> gamma;
  device_vector<const float> beta;
  float eps;
  device_matrix<float> y;
  device_matrix<Z> z;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<Z>;
    const float* row = x.row_data(r);
    const int columns = static_cast<int>(x.columns);
    const row_moments m = moments_of(team, row, columns, eps);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float v[n];
      normed_part(m, row, gamma.data, beta.data, c, count, v);
      store_numbers(v, count, y.row_data(r) + c);
      store_numbers(v, count, z.row_data(r) + c);
    });
  }
};

template <class T>
struct layer_norm_vjp_rows {
  device_rows<T> x;
  device_vector<const float> gamma;
  float eps;
  device_rows<T> dy;
  device_matrix<T> dx;

  /// g = dy gamma and h = (x - mean) factor of one part; 0 beyond its end.
  template <int N>
  DNALM_DEVICE void load_part(index_t r, int c, int count, const row_moments& m, float (&g)[N],
                              float (&h)[N]) const {
    float weights[N];
    load_numbers(x.row_data(r) + c, count, h);
    load_numbers(dy.row_data(r) + c, count, g);
    load_numbers(gamma.data + c, count, weights);
    DNALM_UNROLL
    for (int i = 0; i < N; ++i) {
      g[i] *= weights[i];
      h[i] = m.normalised(h[i]);
    }
  }

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const int columns = static_cast<int>(x.columns);
    const row_moments m = moments_of(team, x.row_data(r), columns, eps);
    float sum_g = 0.0F;
    float sum_gh = 0.0F;
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float g[n];
      float h[n];
      load_part(r, c, count, m, g, h);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) {
        sum_g += g[i];
        sum_gh += g[i] * h[i];
      }
    });
    const float mean_g = team.sum(sum_g) / static_cast<float>(columns);
    const float mean_gh = team.sum(sum_gh) / static_cast<float>(columns);
    team.template for_each_part<n>(columns, [&](int c, int count) {
      float g[n];
      float h[n];
      load_part(r, c, count, m, g, h);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) g[i] = m.factor * (g[i] - mean_g - h[i] * mean_gh);
      store_numbers(g, count, dx.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

template <class T, class X>
void cuda_layer_norm(cuda_stream stream, device_rows<X> x, device_vector<const float> gamma,
                     device_vector<const float> beta, float eps, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, x.rows, x.columns,
                           detail::gpu::layer_norm_rows<T, X>{x, gamma, beta, eps, y});
}

template <class Z>
void cuda_layer_norm_both(cuda_stream stream, device_matrix<const float> x, device_vector<const float> gamma,
                          device_vector<const float> beta, float eps, device_matrix<float> y,
                          device_matrix<Z> z) {
  detail::gpu::launch_rows(stream, x.rows, x.columns,
                           detail::gpu::layer_norm_both_rows<Z>{x, gamma, beta, eps, y, z});
}

template <class T>
void cuda_layer_norm_vjp(cuda_stream stream, device_rows<T> x, device_vector<const float> gamma, float eps,
                         device_rows<T> dy, device_matrix<T> dx) {
  detail::gpu::launch_rows(stream, x.rows, x.columns,
                           detail::gpu::layer_norm_vjp_rows<T>{x, gamma, eps, dy, dx});
}

DNALM_END_NAMESPACE
