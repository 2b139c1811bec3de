// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/rotary.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/rotary.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Where the sequence of row r begins: the last offset <= r (empty sequences begin there as well).
[[nodiscard]] DNALM_DEVICE index_t sequence_begin(device_vector<const index_t> offsets, index_t r) {
  index_t low = 0;  // offsets[low] <= r < offsets[high]
  index_t high = offsets.size - 1;
  while (high - low > 1) {
    const index_t middle = low + (high - low) / 2;
    if (offsets[middle] <= r) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return offsets[low];
}

/// Rotates pairs [j, j + count), count <= N, of a head at `position`, the angles multiplied by `sign`, 1 or
/// -1; `a` points to the first of their channels.
template <int N, class T>
DNALM_DEVICE void rotate_pairs(const device_rotary_table& table, index_t position, int j, int count,
                               float sign, T* a) {
  T* b = a + table.pairs;
  float first[N];
  float second[N];
  float cosine[N];
  float sine[N];
  load_numbers(a, count, first);
  load_numbers(b, count, second);
  load_numbers(table.cosine.data + position * table.pairs + j, count, cosine);
  load_numbers(table.sine.data + position * table.pairs + j, count, sine);
  DNALM_UNROLL
  for (int i = 0; i < N; ++i) {
    const float s = sign * sine[i];
    const float turned = first[i] * cosine[i] - second[i] * s;
    second[i] = second[i] * cosine[i] + first[i] * s;
    first[i] = turned;
  }
  store_numbers(first, count, a);
  store_numbers(second, count, b);
}

/// cuda_rotary with the angles multiplied by `sign`, 1 or -1.
template <class T>
struct rotate_rows {
  device_rotary_table table;
  device_vector<const index_t> offsets;
  int heads;
  float sign;
  device_matrix<T> x;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    const int pairs = static_cast<int>(table.pairs);
    const int width = static_cast<int>(x.columns) / heads;
    const int parts = (pairs + n - 1) / n;  // of a head
    const index_t position = r - sequence_begin(offsets, r);
    for (int part = team.rank(); part < heads * parts; part += Threads) {
      const int j = part % parts * n;
      T* a = x.row_data(r) + part / parts * width + j;
      rotate_pairs<n>(table, position, j, pairs - j < n ? pairs - j : n, sign, a);
    }
  }
};

template <class T>
void launch_rotation(cuda_stream stream, const device_rotary_table& table,
                     device_vector<const index_t> offsets, index_t heads, float sign, device_matrix<T> x) {
  launch_rows(stream, x.rows, x.columns, rotate_rows<T>{table, offsets, static_cast<int>(heads), sign, x});
}

}  // namespace detail::gpu

template <class T>
void cuda_rotary(cuda_stream stream, const device_rotary_table& table, device_vector<const index_t> offsets,
                 index_t heads, device_matrix<T> x) {
  detail::gpu::launch_rotation(stream, table, offsets, heads, 1.0F, x);
}

template <class T>
void cuda_rotary_vjp(cuda_stream stream, const device_rotary_table& table,
                     device_vector<const index_t> offsets, index_t heads, device_matrix<T> y) {
  detail::gpu::launch_rotation(stream, table, offsets, heads, -1.0F, y);
}

DNALM_END_NAMESPACE
