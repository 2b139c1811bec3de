// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/product_rows.hpp.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/product_rows.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// The exponent e for which 2^e times a number of this size, finite and not 0, is in [2^14, 2^15); at most
/// 126, for numbers below 2^-112.
[[nodiscard]] DNALM_DEVICE int exponent_to_half(float size) {
  const int exponent = static_cast<int>(std::bit_cast<std::uint32_t>(size) >> 23) - 127;
  const int wanted = 14 - exponent;
  return wanted < 126 ? wanted : 126;
}
/// 2^e for -126 <= e <= 127.
[[nodiscard]] DNALM_DEVICE float power_of_two(int e) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(e + 127) << 23);
}

/// How many of the columns [c, c + 8) a row of x has.
[[nodiscard]] DNALM_DEVICE int columns_left(int columns, int c) {
  const int left = columns - c;
  return left < 0 ? 0 : left < 8 ? left : 8;
}

template <class T>
struct rows_to_bf16 {
  device_matrix<const T> x;
  device_matrix<std::uint16_t> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const T* row = x.row_data(r);
    team.template for_each_part<8>(static_cast<int>(y.columns), [&](int c, int) {
      float v[8];
      load_numbers(row + c, columns_left(static_cast<int>(x.columns), c), v);
      sixteen_bytes<std::uint16_t> part;
      DNALM_UNROLL
      for (int i = 0; i < 8; ++i) part.values[i] = bf16_from_float(v[i]);
      *reinterpret_cast<sixteen_bytes<std::uint16_t>*>(y.row_data(r) + c) = part;
    });
  }
};

struct rows_to_f16 {
  device_matrix<const float> x;
  device_vector<float> factors;
  device_matrix<std::uint16_t> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const float* row = x.row_data(r);
    const int columns = static_cast<int>(x.columns);
    float largest = 0.0F;
    team.template for_each_part<8>(columns, [&](int c, int count) {
      float v[8];
      load_numbers(row + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < 8; ++i) largest = std::abs(v[i]) > largest ? std::abs(v[i]) : largest;
    });
    largest = team.max(largest);
    const bool finite = std::bit_cast<std::uint32_t>(largest) < 0x7F800000U;
    const int e = finite && largest > 0.0F ? exponent_to_half(largest) : 0;
    if (team.rank() == 0) factors[r] = power_of_two(-e);
    const float up = power_of_two(e);
    team.template for_each_part<8>(static_cast<int>(y.columns), [&](int c, int) {
      float v[8];
      load_numbers(row + c, columns_left(columns, c), v);
      sixteen_bytes<std::uint16_t> part;
      DNALM_UNROLL
      for (int i = 0; i < 8; ++i) part.values[i] = f16_from_float(v[i] * up);
      *reinterpret_cast<sixteen_bytes<std::uint16_t>*>(y.row_data(r) + c) = part;
    });
  }
};

template <class Z, class Y>
struct finish_rows {
  device_matrix<const Z> z;
  product_finish finish;
  device_matrix<Y> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<Y>;
    static_assert(n >= pack_of<Z>);
    const bool scaled = !finish.factors.empty();
    const bool shifted = !finish.bias.empty();
    const bool added = finish.residual.data != nullptr;
    const float factor = scaled ? finish.factors[r] : 1.0F;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n];
      float other[n];
      load_numbers(z.row_data(r) + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] *= factor;  // a power of two: exact
      if (shifted) {
        load_numbers(finish.bias.data + c, count, other);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) v[i] += other[i];
      }
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] = apply_activation(finish.function, v[i]);
      if (added) {
        load_numbers(finish.residual.row_data(r) + c, count, other);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) v[i] = other[i] + v[i];
      }
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

DNALM_EMITTED void cuda_rows_to_bf16(cuda_stream stream, device_matrix<const float> x,
                                     device_matrix<std::uint16_t> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::rows_to_bf16<float>{x, y});
}
DNALM_EMITTED void cuda_rows_to_bf16(cuda_stream stream, device_matrix<const bfloat16> x,
                                     device_matrix<std::uint16_t> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::rows_to_bf16<bfloat16>{x, y});
}

DNALM_EMITTED void cuda_rows_to_f16(cuda_stream stream, device_matrix<const float> x,
                                    device_vector<float> factors, device_matrix<std::uint16_t> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::rows_to_f16{x, factors, y});
}

DNALM_EMITTED void cuda_finish_rows(cuda_stream stream, device_matrix<const float> z,
                                    const product_finish& finish, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::finish_rows<float, float>{z, finish, y});
}
DNALM_EMITTED void cuda_finish_rows(cuda_stream stream, device_matrix<const float> z,
                                    const product_finish& finish, device_matrix<bfloat16> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns,
                           detail::gpu::finish_rows<float, bfloat16>{z, finish, y});
}
DNALM_EMITTED void cuda_finish_rows(cuda_stream stream, device_matrix<const bfloat16> z,
                                    const product_finish& finish, device_matrix<bfloat16> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns,
                           detail::gpu::finish_rows<bfloat16, bfloat16>{z, finish, y});
}

DNALM_END_NAMESPACE
