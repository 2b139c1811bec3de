// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/selective_scan.hpp: the rows of the chunks, and what a call starts.
#pragma once

#include <algorithm>
#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/scan_adjoint.cuh>
#include <dnalm/cuda/detail/scan_chunks.cuh>
#include <dnalm/cuda/selective_scan.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// y of every chunk: sum over n of s[n] C[n], begun with D x or, where it `Adds`, with `so_far`. y may be x,
/// delta or so_far.
template <bool Adds>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(scan_threads, 8)
    scan_rows_kernel(scan_work work, device_matrix<const float> so_far, device_matrix<float> y) {
  const scan_chunk chunk(work, block_index().x / work.channel_blocks());
  float* const parts = shared_memory<float>();
  load_scan_parts(work, chunk, parts);
  const scan_channel own(work, chunk);
  const float skip = own.skip();
  float rates[scan_width];
  own.load_rates(rates);
  float state[scan_width];
  own.load(work.starts, chunk.is_first, state);
  scan_numbers next = own.numbers(0);
  for (int t = 0; t < chunk.count; ++t) {
    const scan_numbers now = next;
    if (t + 1 < chunk.count) next = own.numbers(t + 1);  // under way while this row is worked on
    const float* const b = parts + t * 2 * scan_width;
    next_states(softplus(now.raw), now.x, rates, b, state);
    float sum = Adds ? own.of(so_far, t) : skip * now.x;
    DNALM_UNROLL
    for (int n = 0; n < scan_width; ++n) sum = std::fma(state[n], b[scan_width + n], sum);
    if (own.exists) y(chunk.row(t), own.channel) = sum;
  }
}

/// Scratch, handed out piece by piece.
struct scan_memory {
  float* next;

  [[nodiscard]] float* take(index_t numbers) {
    float* const first = next;
    next += numbers;
    return first;
  }
  [[nodiscard]] device_matrix<float> take_rows(index_t rows, index_t columns) {
    return {take(rows * columns), rows, columns, columns};
  }
};

/// The first cuda_scan_states states of a scan.
[[nodiscard]] inline scan_work first_states(const device_scan& input, const device_scan_batch& batch,
                                            scan_memory& memory) {
  scan_work work{input, batch, 0, 0, nullptr, nullptr};
  work.states = static_cast<int>(std::min(input.rates.rows, cuda_scan_states));
  if (!batch.carries()) return work;
  work.starts = memory.take(batch.chunk_count * cuda_scan_states * input.x.columns);
  work.steps = memory.take(batch.chunk_count * input.x.columns);
  return work;
}
/// The states behind those. False: there are none.
[[nodiscard]] inline bool take_next_states(scan_work& work) {
  work.first += work.states;
  const index_t left = work.in.rates.rows - work.first;
  work.states = static_cast<int>(std::min(left, cuda_scan_states));
  return left > 0;
}
[[nodiscard]] inline bool are_last_states(const scan_work& work) {
  return work.first + work.states >= work.in.rates.rows;
}

[[nodiscard]] inline grid_size chunk_grid(const scan_work& work) {
  return {.x = checked_mul(work.batch.chunk_count, work.channel_blocks())};
}
/// Into `ends` what comes to every chunk from the others.
template <scan_way Way>
void launch_carry(cuda_stream stream, const scan_work& work, device_matrix<const float> dy, float* ends) {
  if (!work.batch.carries()) return;
  const index_t sequences = work.batch.offsets.size - 1;
  launch(scan_ends_kernel<Way>, chunk_grid(work), scan_threads, scan_parts_bytes, stream, work, dy, ends);
  launch(scan_carry_kernel<Way>, {.x = checked_mul(sequences, work.channel_blocks()), .y = work.states},
         scan_threads, 0, stream, work, ends);
}

}  // namespace detail::gpu

DNALM_EMITTED void cuda_selective_scan(cuda_stream stream, const device_scan& input,
                                       const device_scan_batch& batch, device_vector<float> scratch,
                                       device_matrix<float> y) {
  using namespace detail::gpu;
  if (y.rows == 0 || y.columns == 0) return;
  check_columns(y.columns);
  scan_memory memory{scratch.data};
  scan_work work = first_states(input, batch, memory);
  device_matrix<float> so_far;
  if (!are_last_states(work)) so_far = memory.take_rows(y.rows, y.columns);
  do {
    launch_carry<scan_way::states>(stream, work, {}, work.starts);
    const device_matrix<float> to = are_last_states(work) ? y : so_far;
    const auto kernel = work.first > 0 ? scan_rows_kernel<true> : scan_rows_kernel<false>;
    launch(kernel, chunk_grid(work), scan_threads, scan_parts_bytes, stream, work,
           device_matrix<const float>(so_far), to);
  } while (take_next_states(work));
}

DNALM_EMITTED void cuda_selective_scan_vjp(cuda_stream stream, const device_scan& input,
                                           const device_scan_batch& batch, device_matrix<const float> dy,
                                           device_vector<float> scratch,
                                           const device_scan_gradient& gradient) {
  using namespace detail::gpu;
  if (dy.rows == 0 || dy.columns == 0) return;
  check_columns(dy.columns);
  scan_memory memory{scratch.data};
  scan_work work = first_states(input, batch, memory);
  const index_t groups = (dy.columns + cuda_scan_lanes - 1) / cuda_scan_lanes;
  scan_vjp_work vjp{dy, nullptr, {}, {}, {}, {}, memory.take(groups * dy.rows * 2 * cuda_scan_states)};
  float* ends = nullptr;
  if (batch.carries()) ends = memory.take(batch.chunk_count * cuda_scan_states * dy.columns);
  vjp.gradients = ends;
  if (!are_last_states(work)) {
    vjp.dx_so_far = memory.take_rows(dy.rows, dy.columns);
    vjp.ddelta_so_far = memory.take_rows(dy.rows, dy.columns);
  }
  do {
    launch_carry<scan_way::states>(stream, work, {}, work.starts);
    launch_carry<scan_way::gradients>(stream, work, dy, ends);
    vjp.dx = are_last_states(work) ? gradient.x : vjp.dx_so_far;
    vjp.ddelta = are_last_states(work) ? gradient.delta : vjp.ddelta_so_far;
    const auto kernel = work.first > 0 ? scan_rows_vjp_kernel<true> : scan_rows_vjp_kernel<false>;
    launch(kernel, chunk_grid(work), scan_threads, scan_vjp_bytes, stream, work, vjp);
    launch_rows(stream, dy.rows, 2 * cuda_scan_states,
                scan_parts_rows{vjp.groups, groups, dy.rows, work.first, work.states, gradient.parts});
  } while (take_next_states(work));
}

DNALM_END_NAMESPACE
