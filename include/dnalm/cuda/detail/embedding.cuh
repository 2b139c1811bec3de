// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/embedding.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/embedding.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// y[r] = row_scale[r] x[ids[r]]; without ids row r itself.
template <class T>
struct scaled_rows {
  device_vector<const std::int32_t> ids;
  device_rows<T> x;
  device_vector<const float> row_scale;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const T* row = x.row_data(ids.empty() ? r : ids[r]);
    const float factor = row_scale.empty() ? 1.0F : row_scale[r];
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n];
      load_numbers(row + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] *= factor;
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

template <class T>
struct add_table_rows {
  device_vector<const std::int32_t> ids;
  device_rows<T> table;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const T* row = table.row_data(ids[r]);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float a[n];
      float b[n];
      load_numbers(row + c, count, a);
      load_numbers(y.row_data(r) + c, count, b);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) b[i] += a[i];
      store_numbers(b, count, y.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_embed_rows(cuda_stream stream, device_vector<const std::int32_t> ids, device_rows<T> table,
                     device_vector<const float> row_scale, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::scaled_rows<T>{ids, table, row_scale, y});
}

template <class T>
void cuda_embed_rows_vjp(cuda_stream stream, device_vector<const float> row_scale, device_rows<T> dy,
                         device_matrix<T> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns, detail::gpu::scaled_rows<T>{{}, dy, row_scale, dx});
}

template <class T>
void cuda_add_rows(cuda_stream stream, device_vector<const std::int32_t> ids, device_rows<T> table,
                   device_matrix<T> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::add_table_rows<T>{ids, table, y});
}

DNALM_END_NAMESPACE
