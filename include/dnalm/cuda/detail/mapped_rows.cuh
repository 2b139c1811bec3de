// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Rows made number by number of the numbers that stand there in one or two others.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// y = function(a), or function(a, b) where Function::operands is 2. y may be a or b.
template <class T, class Function>
struct mapped_rows {
  device_rows<T> a;
  device_rows<T> b;
  Function function;
  device_matrix<T> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<T>;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n];
      load_numbers(a.row_data(r) + c, count, v);
      if constexpr (Function::operands == 2) {
        float u[n];
        load_numbers(b.row_data(r) + c, count, u);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) v[i] = function(v[i], u[i]);
      } else {
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) v[i] = function(v[i]);
      }
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

template <class T, class Function>
void launch_mapped(cuda_stream stream, device_rows<T> a, device_rows<T> b, const Function& function,
                   device_matrix<T> y) {
  launch_rows(stream, y.rows, y.columns, mapped_rows<T, Function>{a, b, function, y});
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
