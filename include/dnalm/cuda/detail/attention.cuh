// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of the forward of cuda/attention.hpp: which kernel takes which sequences.
#pragma once

#include <type_traits>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/attention_exact.cuh>
#include <dnalm/cuda/detail/attention_long.cuh>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/attention_short.cuh>

DNALM_BEGIN_NAMESPACE

template <class T>
void cuda_attention(cuda_stream stream, device_rows<T> q, device_rows<T> k, device_rows<T> v,
                    const device_sequences& sequences, const device_attention_options& options,
                    device_matrix<T> y) {
  namespace gpu = detail::gpu;
  const gpu::attention_work work = gpu::make_attention_work(q.columns, sequences, options);
  if (sequences.sequences() == 0 || work.longest <= 0 || work.width <= 0) return;
  if constexpr (std::is_same_v<T, float>) {
    gpu::launch_attention_exact<T>(stream, work, q, k, v, y);
  } else {
    const int shortest = gpu::longest_short(work.width);
    gpu::launch_attention_short(stream, work, q, k, v, y);
    if (work.longest > shortest) gpu::launch_attention_long(stream, work, shortest, q, k, v, y);
  }
}

DNALM_END_NAMESPACE
