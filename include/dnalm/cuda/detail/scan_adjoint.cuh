// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/selective_scan.hpp: the adjoint within a chunk, and the sums over channels.
#pragma once

#include <cmath>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/scan_chunks.cuh>
#include <dnalm/cuda/selective_scan.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Rows whose states a thread keeps at a time, and bytes of shared memory for B, C and these states.
inline constexpr int scan_kept_rows = 8;
inline constexpr index_t scan_vjp_bytes =
    scan_parts_bytes + index_t{scan_kept_rows} * scan_width * scan_threads * index_t{sizeof(float)};

/// The sum over the lanes of v[l] in lane l: every step halves what a lane adds up for others.
template <int Half = warp_threads / 2>
[[nodiscard]] DNALM_DEVICE float sum_for_lane(float (&v)[warp_threads]) {
  const bool upper = (lane() & Half) != 0;
  DNALM_UNROLL
  for (int i = 0; i < Half; ++i) {
    const float kept = upper ? v[i + Half] : v[i];
    const float sent = upper ? v[i] : v[i + Half];
    v[i] = kept + shuffle_xor(sent, Half);
  }
  if constexpr (Half > 1) {
    return sum_for_lane<Half / 2>(v);
  } else {
    return v[0];
  }
}

/// What the adjoint of one call reads and writes beside scan_work.
struct scan_vjp_work {
  device_matrix<const float> dy;
  const float* gradients;  ///< (chunk, state, channel): by the states behind the chunks
  device_matrix<float> dx_so_far;
  device_matrix<float> ddelta_so_far;
  device_matrix<float> dx;
  device_matrix<float> ddelta;
  float* groups;  ///< (32 channels, row, [dB | dC])
};

/// A thread's way back through a chunk. `Adds`: to what stands in dx_so_far and ddelta_so_far.
template <bool Adds>
struct scan_back {
  const scan_vjp_work& work;
  const scan_channel& own;
  const float* parts;   // shared
  float* const states;  // shared: (row, state, thread)
  float rates[scan_width] = {};
  float g[scan_width] = {};

  [[nodiscard]] DNALM_DEVICE const float* parts_of(int t) const { return parts + t * 2 * scan_width; }
  [[nodiscard]] DNALM_DEVICE float& kept(int i, int n) const {
    return states[(i * scan_width + n) * scan_threads + thread_index()];
  }
  DNALM_DEVICE void step(int t, float (&state)[scan_width]) const {
    const scan_numbers now = own.numbers(t);
    next_states(softplus(now.raw), now.x, rates, parts_of(t), state);
  }
  /// Keeps the states before rows [from, from + count), beginning with `state`.
  DNALM_DEVICE void keep(int from, int count, float (&state)[scan_width]) const {
    for (int i = 0; i < count; ++i) {
      DNALM_UNROLL
      for (int n = 0; n < scan_width; ++n) kept(i, n) = state[n];
      if (i + 1 < count) step(from + i, state);
    }
  }
  /// Those rows from the last to the first.
  DNALM_DEVICE void go_back(int from, int count) {
    scan_numbers next = own.numbers(from + count - 1);
    float next_dy = own.of(work.dy, from + count - 1);
    for (int i = count - 1; i >= 0; --i) {
      const scan_numbers now = next;
      const float now_dy = next_dy;
      if (i > 0) {  // under way while this row is worked on
        next = own.numbers(from + i - 1);
        next_dy = own.of(work.dy, from + i - 1);
      }
      row_back(from + i, i, now, now_dy);
    }
  }

 private:
  /// The formulas of reference_scan_step_vjp.
  DNALM_DEVICE void row_back(int t, int i, const scan_numbers& now, float dy) {
    const float* const b = parts_of(t);
    const float d = softplus(now.raw);
    const float input = d * now.x;
    float by_input = 0.0F;
    float by_rate = 0.0F;
    float given[warp_threads];  // to dB and dC of the row
    DNALM_UNROLL
    for (int n = 0; n < scan_width; ++n) {
      const float before = kept(i, n);
      const float decay = fast_exp2(d * rates[n]);
      const float h = std::fma(b[scan_width + n], dy, g[n]);
      given[n] = h * input;
      given[scan_width + n] = std::fma(decay, before, input * b[n]) * dy;
      by_input = std::fma(h, b[n], by_input);
      g[n] = h * decay;
      by_rate = std::fma(g[n] * rates[n], before, by_rate);
    }
    write_parts(t, sum_for_lane(given));
    if (own.exists) write(t, now, d, dy, by_input, by_rate * 0.69314718F);
  }
  DNALM_DEVICE void write(int t, const scan_numbers& now, float d, float dy, float by_input,
                          float by_rate) const {
    const index_t r = own.chunk.row(t);
    const index_t c = own.channel;
    const float slope = std::fma(now.x, by_input, by_rate) * sigmoid(now.raw);
    if constexpr (Adds) {
      const float so_far = work.ddelta_so_far(r, c);
      work.dx(r, c) = std::fma(d, by_input, work.dx_so_far(r, c));
      work.ddelta(r, c) = so_far + slope;
    } else {
      work.dx(r, c) = std::fma(d, by_input, own.skip() * dy);
      work.ddelta(r, c) = slope;
    }
  }
  DNALM_DEVICE void write_parts(int t, float sum) const {
    const index_t group = own.channel / warp_threads;
    if (group * warp_threads >= own.work.channels()) return;
    const index_t row = group * work.dy.rows + own.chunk.row(t);
    work.groups[row * warp_threads + lane()] = sum;
  }
};

/// Gradients by x and delta of every chunk, and what each 32 channels give to those by B and C.
template <bool Adds>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(scan_threads, 5)
    scan_rows_vjp_kernel(scan_work work, scan_vjp_work vjp) {
  const scan_chunk chunk(work, block_index().x / work.channel_blocks());
  float* const parts = shared_memory<float>();
  load_scan_parts(work, chunk, parts);
  const scan_channel own(work, chunk);
  scan_back<Adds> back{vjp, own, parts, parts + cuda_scan_chunk * 2 * scan_width};
  own.load_rates(back.rates);
  float state[scan_width];
  own.load(work.starts, chunk.is_first, state);
  float before[cuda_scan_chunk / scan_kept_rows][scan_width];  // the states before every 8 rows
  const int last = (chunk.count - 1) / scan_kept_rows;
  for (int k = 0; k <= last; ++k) {
    DNALM_UNROLL
    for (int n = 0; n < scan_width; ++n) before[k][n] = state[n];
    for (int t = k * scan_kept_rows; k < last && t < (k + 1) * scan_kept_rows; ++t) back.step(t, state);
  }
  own.load(vjp.gradients, chunk.is_last, back.g);
  for (int k = last; k >= 0; --k) {
    const int from = k * scan_kept_rows;
    const int count = chunk.count - from < scan_kept_rows ? chunk.count - from : scan_kept_rows;
    DNALM_UNROLL
    for (int n = 0; n < scan_width; ++n) state[n] = before[k][n];
    back.keep(from, count, state);
    back.go_back(from, count);
  }
}

/// dB and dC of a row: what the groups of 32 channels give, in their order.
struct scan_parts_rows {
  const float* groups;
  index_t group_count;
  index_t rows;
  int first;
  int states;
  device_matrix<float> parts;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    for (int i = team.rank(); i < 2 * scan_width; i += Threads) {
      if (i % scan_width >= states) continue;
      float sum = 0.0F;
      for (index_t g = 0; g < group_count; ++g) sum += groups[(g * rows + r) * 2 * scan_width + i];
      parts(r, first + i % scan_width + (i < scan_width ? 0 : parts.columns / 2)) = sum;
    }
  }
};

}  // namespace detail::gpu
DNALM_END_NAMESPACE
