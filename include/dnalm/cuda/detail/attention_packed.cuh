// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/attention_packed.hpp: who rotates.
#pragma once

#include <type_traits>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/attention_packed.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/attention.cuh>
#include <dnalm/cuda/detail/attention_turned.cuh>
#include <dnalm/cuda/detail/rotary.cuh>

DNALM_BEGIN_NAMESPACE

template <class T>
void cuda_attention_packed(cuda_stream stream, device_matrix<T> x, const device_rotary_table& rotation,
                           const device_sequences& sequences, const device_attention_options& options,
                           device_matrix<T> y) {
  namespace gpu = detail::gpu;
  const index_t width = x.columns / 3;
  const auto third = [&](index_t i) -> device_matrix<const T> { return x.column_block(i * width, width); };
  const gpu::attention_work work = gpu::make_attention_work(width, sequences, options);
  if (sequences.sequences() == 0 || work.longest <= 0 || work.width <= 0) return;
  if (rotation.pairs > 0) {
    if constexpr (std::is_same_v<T, bfloat16>) {
      if (work.longest <= gpu::longest_short(work.width)) {
        return gpu::launch_attention_short(stream, work, third(0), third(1), third(2), y,
                                           gpu::turned_rows{rotation});
      }
    }
    cuda_rotary<T>(stream, rotation, sequences.offsets, 2 * options.heads, x.column_block(0, 2 * width));
  }
  cuda_attention<T>(stream, third(0), third(1), third(2), sequences, options, y);
}

DNALM_END_NAMESPACE
