// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/selective_scan.hpp: chunks of a scan, and what a thread knows of its channel.
#pragma once

#include <cmath>

#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/sequence_rows.cuh>
#include <dnalm/cuda/selective_scan.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Threads of a block, each with a channel of the same chunk, and the states of one.
inline constexpr int scan_threads = 64;
inline constexpr int scan_width = static_cast<int>(cuda_scan_states);

/// Bytes of shared memory for B and C of a chunk.
inline constexpr index_t scan_parts_bytes = cuda_scan_chunk * 2 * scan_width * index_t{sizeof(float)};

/// What the kernels of a call know. They take `states` states from number `first` on; in memory a chunk and a
/// channel always have scan_width.
struct scan_work {
  device_scan in;
  device_scan_batch batch;
  int first;
  int states;
  float* starts;  ///< (chunk, state, channel): the states before the chunks
  float* steps;   ///< (chunk, channel): the sum of softplus(delta)

  [[nodiscard]] DNALM_HD index_t channels() const { return in.x.columns; }
  [[nodiscard]] DNALM_HD index_t channel_blocks() const {
    return (in.x.columns + scan_threads - 1) / scan_threads;
  }
};

/// A chunk of a sequence, its rows in the order of the scan.
struct scan_chunk {
  index_t number;  // among those of all sequences
  index_t begin;   // row that the scan meets first
  index_t step;    // 1 or -1
  int count;
  bool is_first;  // of its sequence
  bool is_last;

  DNALM_DEVICE scan_chunk(const scan_work& work, index_t chunk) : number(chunk) {
    const index_t s = sequence_of_row(work.batch.chunks, chunk);
    const index_t from = (chunk - work.batch.chunks[s]) * cuda_scan_chunk;
    const index_t first = work.batch.offsets[s];
    const index_t end = work.batch.offsets[s + 1];
    const index_t left = end - first - from;
    const bool ahead = work.in.order == scan_order::forward;
    begin = ahead ? first + from : end - 1 - from;
    step = ahead ? 1 : -1;
    count = static_cast<int>(left < cuda_scan_chunk ? left : cuda_scan_chunk);
    is_first = from == 0;
    is_last = left <= cuda_scan_chunk;
  }
  [[nodiscard]] DNALM_DEVICE index_t row(int t) const { return begin + t * step; }
};

/// B and C of the chunk's rows into shared memory: (row, [B | C]), 0 for states that there are not. Waits for
/// the block.
DNALM_DEVICE void load_scan_parts(const scan_work& work, const scan_chunk& chunk, float* shared) {
  for (int i = thread_index(); i < chunk.count * 2 * scan_width; i += block_threads()) {
    const int n = i % scan_width;
    const index_t c = work.first + n + (i / scan_width % 2 == 1 ? work.in.rates.rows : 0);
    shared[i] = n < work.states ? work.in.parts(chunk.row(i / (2 * scan_width)), c) : 0.0F;
  }
  sync_block();
}

/// What a row and a channel bring to the recurrence s = 2^(d rate) s + d x B.
struct scan_numbers {
  float x = 0.0F;
  float raw = 0.0F;  ///< the step before the softplus
};

/// A thread's channel. Those beyond the last one have zeros to read and nothing to write.
struct scan_channel {
  const scan_work& work;
  const scan_chunk& chunk;
  index_t channel;
  bool exists;

  DNALM_DEVICE scan_channel(const scan_work& all, const scan_chunk& rows)
      : work(all),
        chunk(rows),
        channel(block_index().x % all.channel_blocks() * scan_threads + thread_index()),
        exists(channel < all.channels()) {}

  [[nodiscard]] DNALM_DEVICE float of(const device_matrix<const float>& x, int t) const {
    return exists ? x(chunk.row(t), channel) : 0.0F;
  }
  [[nodiscard]] DNALM_DEVICE scan_numbers numbers(int t) const {
    return {of(work.in.x, t), of(work.in.delta, t)};
  }
  [[nodiscard]] DNALM_DEVICE float skip() const { return exists ? work.in.skip[channel] : 0.0F; }
  /// A log2(e): exp(d A) is 2^(d rate).
  DNALM_DEVICE void load_rates(float (&rates)[scan_width]) const {
    DNALM_UNROLL
    for (int n = 0; n < scan_width; ++n) {
      const bool has = exists && n < work.states;
      rates[n] = has ? work.in.rates(work.first + n, channel) * 1.44269504F : 0.0F;
    }
  }
  /// Place of state n of the chunk in memory; those of a channel lie channels() apart.
  [[nodiscard]] DNALM_DEVICE index_t place(int n) const {
    return (chunk.number * scan_width + n) * work.channels() + channel;
  }
  /// What stands in memory; zeros when there is nothing.
  DNALM_DEVICE void load(const float* from, bool nothing, float (&to)[scan_width]) const {
    DNALM_UNROLL
    for (int n = 0; n < scan_width; ++n) {
      to[n] = exists && !nothing && n < work.states ? from[place(n)] : 0.0F;
    }
  }
  DNALM_DEVICE void store(const float (&from)[scan_width], float* to) const {
    DNALM_UNROLL
    for (int n = 0; n < scan_width; ++n) {
      if (exists && n < work.states) to[place(n)] = from[n];
    }
  }
};

/// The states behind a row: b are the numbers B of the row.
DNALM_DEVICE void next_states(float d, float x, const float (&rates)[scan_width], const float* b,
                              float (&state)[scan_width]) {
  const float input = d * x;
  DNALM_UNROLL
  for (int n = 0; n < scan_width; ++n) {
    state[n] = std::fma(fast_exp2(d * rates[n]), state[n], input * b[n]);
  }
}
/// g, the gradient by the states behind a row but for this row's output, becomes that by those before it: c
/// are the numbers C of the row.
DNALM_DEVICE void previous_gradients(float d, float dy, const float (&rates)[scan_width], const float* c,
                                     float (&g)[scan_width]) {
  DNALM_UNROLL
  for (int n = 0; n < scan_width; ++n) g[n] = std::fma(c[n], dy, g[n]) * fast_exp2(d * rates[n]);
}

/// What a chunk adds to what passes through it: states, along the scan, or gradients by them, against it.
enum class scan_way { states, gradients };

/// Into `ends` what each chunk makes of zeros, the states behind it or the gradients by those before it, and
/// with the states the sum of its steps. Chunks with none behind them that would read it are left out.
template <scan_way Way>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(scan_threads, 8)
    scan_ends_kernel(scan_work work, device_matrix<const float> dy, float* ends) {
  const scan_chunk chunk(work, block_index().x / work.channel_blocks());
  if (Way == scan_way::states ? chunk.is_last : chunk.is_first) return;
  float* const parts = shared_memory<float>();
  load_scan_parts(work, chunk, parts);
  const scan_channel own(work, chunk);
  float rates[scan_width];
  own.load_rates(rates);
  float passing[scan_width] = {};
  float steps = 0.0F;
  const auto row = [&](int i) { return Way == scan_way::states ? i : chunk.count - 1 - i; };
  scan_numbers next = own.numbers(row(0));
  float next_dy = Way == scan_way::states ? 0.0F : own.of(dy, row(0));
  for (int i = 0; i < chunk.count; ++i) {
    const scan_numbers now = next;
    const float now_dy = next_dy;
    const float* const here = parts + row(i) * 2 * scan_width;
    if (i + 1 < chunk.count) {  // under way while this row is worked on
      next = own.numbers(row(i + 1));
      if constexpr (Way == scan_way::gradients) next_dy = own.of(dy, row(i + 1));
    }
    const float d = softplus(now.raw);
    steps += d;
    if constexpr (Way == scan_way::states) {
      next_states(d, now.x, rates, here, passing);
    } else {
      previous_gradients(d, now_dy, rates, here + scan_width, passing);
    }
  }
  own.store(passing, ends);
  if (Way == scan_way::states && own.exists) work.steps[chunk.number * work.channels() + own.channel] = steps;
}

/// Chunks whose numbers a thread asks for at a time.
inline constexpr int scan_chunks_ahead = 8;

/// In place of what each chunk makes of zeros: what comes to it from those before it, or behind it. A thread
/// takes a channel and a state of a sequence.
template <scan_way Way>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(scan_threads, 16) scan_carry_kernel(scan_work work, float* ends) {
  const index_t s = block_index().x / work.channel_blocks();
  const index_t c = block_index().x % work.channel_blocks() * scan_threads + thread_index();
  const int n = block_index().y;
  const index_t first = work.batch.chunks[s];
  const index_t count = work.batch.chunks[s + 1] - first;
  if (c >= work.channels()) return;
  const float rate = work.in.rates(work.first + n, c) * 1.44269504F;
  const auto chunk = [&](index_t i) { return first + (Way == scan_way::states ? i : count - 1 - i); };
  const auto place = [&](index_t i) { return (chunk(i) * scan_width + n) * work.channels() + c; };
  float passing = 0.0F;
  for (index_t begin = 0; begin < count; begin += scan_chunks_ahead) {
    float own[scan_chunks_ahead];
    float decay[scan_chunks_ahead];
    DNALM_UNROLL
    for (int i = 0; i < scan_chunks_ahead;
         ++i) {  // the last chunk's are not there, nor the steps of the first
      const index_t at = begin + i;
      own[i] = at + 1 < count ? ends[place(at)] : 0.0F;
      const bool meets = at > 0 && at + 1 < count;
      decay[i] = meets ? fast_exp2(work.steps[chunk(at) * work.channels() + c] * rate) : 0.0F;
    }
    DNALM_UNROLL
    for (int i = 0; i < scan_chunks_ahead; ++i) {
      if (begin + i >= count) continue;
      ends[place(begin + i)] = passing;
      passing = std::fma(decay[i], passing, own[i]);
    }
  }
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
