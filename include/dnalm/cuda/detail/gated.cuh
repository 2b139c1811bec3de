// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/gated.hpp.
#pragma once

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/mapped_rows.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/gated.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

template <class T>
struct gated_rows {
  device_rows<T> x;
  activation function;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const T* row = x.row_data(r);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float a[n];
      float b[n];
      load_numbers(row + c, count, a);
      load_numbers(row + y.columns + c, count, b);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) b[i] *= apply_activation(function, a[i]);
      store_numbers(b, count, y.row_data(r) + c);
    });
  }
};

template <class T>
struct gated_vjp_rows {
  device_rows<T> x;
  activation function;
  device_rows<T> dy;
  device_matrix<T> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const T* row = x.row_data(r);
    T* gradient = dx.row_data(r);
    team.template for_each_part<n>(static_cast<int>(dy.columns), [&](int c, int count) {
      float a[n];
      float b[n];
      float u[n];
      load_numbers(row + c, count, a);
      load_numbers(row + dy.columns + c, count, b);
      load_numbers(dy.row_data(r) + c, count, u);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) {
        b[i] = activation_derivative(function, a[i]) * b[i] * u[i];
        u[i] *= apply_activation(function, a[i]);
      }
      store_numbers(b, count, gradient + c);
      store_numbers(u, count, gradient + dy.columns + c);
    });
  }
};

struct activated {
  static constexpr int operands = 1;
  activation function;
  [[nodiscard]] DNALM_DEVICE float operator()(float z) const { return apply_activation(function, z); }
};

/// f'(z) dy.
struct activated_back {
  static constexpr int operands = 2;
  activation function;
  [[nodiscard]] DNALM_DEVICE float operator()(float z, float dy) const {
    return dy * activation_derivative(function, z);
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_gated(cuda_stream stream, device_rows<T> x, activation function, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::gated_rows<T>{x, function, y});
}

template <class T>
void cuda_gated_vjp(cuda_stream stream, device_rows<T> x, activation function, device_rows<T> dy,
                    device_matrix<T> dx) {
  detail::gpu::launch_rows(stream, dy.rows, dy.columns, detail::gpu::gated_vjp_rows<T>{x, function, dy, dx});
}

template <class T>
void cuda_activate(cuda_stream stream, device_rows<T> x, activation function, device_matrix<T> y) {
  detail::gpu::launch_mapped<T>(stream, x, {}, detail::gpu::activated{function}, y);
}

template <class T>
void cuda_activation_vjp(cuda_stream stream, device_rows<T> z, activation function, device_rows<T> dy,
                         device_matrix<T> dz) {
  detail::gpu::launch_mapped<T>(stream, z, dy, detail::gpu::activated_back{function}, dz);
}

DNALM_END_NAMESPACE
