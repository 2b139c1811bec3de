// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/elementwise.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/mapped_rows.cuh>
#include <dnalm/cuda/elementwise.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

struct added {
  static constexpr int operands = 2;
  [[nodiscard]] DNALM_DEVICE float operator()(float a, float b) const { return a + b; }
};

struct scaled {
  static constexpr int operands = 1;
  float factor;
  [[nodiscard]] DNALM_DEVICE float operator()(float a) const { return a * factor; }
};

}  // namespace detail::gpu

template <class T>
void cuda_add(cuda_stream stream, device_rows<T> x, device_matrix<T> y) {
  detail::gpu::launch_mapped<T>(stream, x, y, detail::gpu::added{}, y);
}

template <class T>
void cuda_scale(cuda_stream stream, float factor, device_matrix<T> y) {
  detail::gpu::launch_mapped<T>(stream, y, {}, detail::gpu::scaled{factor}, y);
}

DNALM_END_NAMESPACE
