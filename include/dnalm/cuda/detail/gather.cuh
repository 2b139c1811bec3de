// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/gather.hpp.
#pragma once

#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/gather.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// to[i] = from[i] for i < count. Where both addresses allow, 16 bytes at a time.
template <class T>
DNALM_DEVICE void copy_numbers(const T* from, int count, T* to) {
  constexpr int n = pack_of<T>;
  if (count == n && is_aligned(from) && is_aligned(to)) {
    *reinterpret_cast<sixteen_bytes<T>*>(to) = *reinterpret_cast<const sixteen_bytes<T>*>(from);
    return;
  }
  for (int i = 0; i < count; ++i) to[i] = from[i];
}

/// y[to[i]] = x[from[i]]; without a list row i itself.
template <class T>
struct move_rows {
  device_rows<T> x;
  device_vector<const index_t> from;
  device_vector<const index_t> to;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t i, row_team<Threads> team) const {
    const T* source = x.row_data(from.empty() ? i : from[i]);
    T* target = y.row_data(to.empty() ? i : to[i]);
    team.template for_each_part<pack_of<T>>(
        static_cast<int>(y.columns), [&](int c, int count) { copy_numbers(source + c, count, target + c); });
  }
};

template <class T>
struct zero_rows {
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    T* row = y.row_data(r);
    team.template for_each_part<pack_of<T>>(static_cast<int>(y.columns), [&](int c, int count) {
      for (int i = 0; i < count; ++i) row[c + i] = T{};
    });
  }
};

}  // namespace detail::gpu

template <class T>
void cuda_gather_rows(cuda_stream stream, device_rows<T> x, device_vector<const index_t> rows,
                      device_matrix<T> y) {
  detail::gpu::launch_rows(stream, rows.size, y.columns, detail::gpu::move_rows<T>{x, rows, {}, y});
}

template <class T>
void cuda_gather_rows_vjp(cuda_stream stream, device_rows<T> dy, device_vector<const index_t> rows,
                          device_matrix<T> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns, detail::gpu::zero_rows<T>{dx});
  detail::gpu::launch_rows(stream, rows.size, dx.columns, detail::gpu::move_rows<T>{dy, {}, rows, dx});
}

template <class T>
void cuda_move_rows(cuda_stream stream, device_rows<T> x, device_vector<const index_t> from,
                    device_vector<const index_t> to, device_matrix<T> y) {
  detail::gpu::launch_rows(stream, to.size, y.columns, detail::gpu::move_rows<T>{x, from, to, y});
}

DNALM_END_NAMESPACE
