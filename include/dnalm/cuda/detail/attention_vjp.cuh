// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of the adjoint of cuda/attention.hpp: its two passes.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/attention_tiles.cuh>
#include <dnalm/cuda/detail/attention_vjp_keys.cuh>
#include <dnalm/cuda/detail/attention_vjp_queries.cuh>

DNALM_BEGIN_NAMESPACE

template <class T>
void cuda_attention_vjp(cuda_stream stream, device_rows<T> q, device_rows<T> k, device_rows<T> v,
                        const device_sequences& sequences, const device_attention_options& options,
                        device_rows<T> dy, device_vector<float> scratch, device_matrix<T> dq,
                        device_matrix<T> dk, device_matrix<T> dv) {
  namespace gpu = detail::gpu;
  const gpu::attention_work work = gpu::make_attention_work(q.columns, sequences, options);
  if (sequences.sequences() == 0 || work.longest <= 0 || work.width <= 0) return;
  const gpu::softmax_memory kept{scratch.data, q.rows};
  gpu::with_head_width(work.width, [&](auto width) {
    constexpr int w = decltype(width)::value;
    const gpu::attention_teams teams = gpu::make_tile_teams<w>(2, work.longest);
    const gpu::grid_size grid = gpu::pairs_grid(work, teams, gpu::tile_parts<w>(work.longest, teams));
    const int threads = teams.pairs * teams.warps * gpu::warp_threads;
    const index_t bytes = gpu::tile_bytes<w>(2, teams);
    gpu::launch(gpu::attention_vjp_queries_kernel<T, w>, grid, threads, bytes, stream, work, teams, q, k, v,
                dy, kept, dq);
    gpu::launch(gpu::attention_vjp_keys_kernel<T, w>, grid, threads, bytes, stream, work, teams, q, k, v, dy,
                kept, dk, dv);
  });
}

DNALM_END_NAMESPACE
