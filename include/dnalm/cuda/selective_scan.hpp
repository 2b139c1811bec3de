// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Selective scan on a GPU, with its adjoint: chunks of rows side by side, their states carried along.
///
/// The state behind a chunk of T = 64 rows is linear in the state before it: with s' the state that the chunk
/// reaches from 0 and d the sum of its steps, s_behind = exp(A d) s_before + s'. So three kernels run: one
/// makes s' and d of all chunks at once, one carries the states over the chunks of each sequence, one runs
/// all chunks again from the states before them. Chunks are counted from the row that the scan meets first:
/// a sequence's numbers depend on its own rows alone, and a scan from the end has the bits of one from the
/// beginning on the rows turned round. Where no sequence is longer than a chunk, the last kernel runs alone,
/// with the same bits.
///
/// A thread takes a channel of a chunk, with up to 16 states in registers; more states are taken 16 at a
/// time. docs/kernels.md says why chunks, and of this length. Prediction for 131,072 rows of 512 channels
/// with 16 states, one sequence: 2 x 10^9 exponentials and 1.6 GB of memory traffic, 0.7 ms on an H100, where
/// one thread per channel would walk for tens of milliseconds. Not measured.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/views.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE

/// Rows of a chunk, states that a thread has at a time, and channels that a warp adds up for dB and dC.
inline constexpr index_t cuda_scan_chunk = 64;
inline constexpr index_t cuda_scan_states = 16;
inline constexpr index_t cuda_scan_lanes = 32;

using device_scan = scan_input<float, memory_space::device>;
using device_scan_gradient = scan_gradient<float, memory_space::device>;

/// The sequences of a scan: `chunks` are cuda_scan_chunks of `offsets`.
struct device_scan_batch {
  device_vector<const index_t> offsets = {};
  device_vector<const index_t> chunks = {};
  index_t chunk_count = 0;  ///< of all sequences
  index_t longest = 0;      ///< rows

  /// Whether states pass from chunk to chunk at all.
  [[nodiscard]] bool carries() const { return longest > cuda_scan_chunk; }
};

/// The number of every sequence's first chunk, then that of all chunks.
[[nodiscard]] inline std::vector<index_t> cuda_scan_chunks(const ragged_offsets& offsets) {
  std::vector<index_t> chunks{0};
  for (index_t s = 0; s < offsets.sequences(); ++s) {
    chunks.push_back(chunks.back() + (offsets.length(s) + cuda_scan_chunk - 1) / cuda_scan_chunk);
  }
  return chunks;
}

/// Floats of scratch of a scan: 16 states and a sum per chunk and channel; with more than 16 states the sums
/// of the rows so far.
[[nodiscard]] inline index_t cuda_selective_scan_scratch(const device_scan& input,
                                                         const device_scan_batch& batch) {
  const index_t channels = input.x.columns;
  const index_t kept = batch.carries() ? checked_mul(batch.chunk_count, cuda_scan_states + 1) : 0;
  const index_t sums = input.rates.rows > cuda_scan_states ? input.x.rows : 0;
  return checked_mul(channels, checked_add(kept, sums));
}

/// y[r, e] = sum over n of s[n, e] C[r, n] + D[e] x[r, e] with the states s of selective_scan_kernels.
///
/// y may be x or delta. Per state two fused multiply-adds and an exponential 2^(d (A log2 e)); the sum over n
/// is one chain from D x on. Error: the tests allow 2e-6 of the largest number, as of the CPU.
void cuda_selective_scan(cuda_stream stream, const device_scan& input, const device_scan_batch& batch,
                         device_vector<float> scratch, device_matrix<float> y);

/// Floats of scratch of the adjoint: states, gradients by them, sums, and what each 32 channels give to the
/// rows of dB and dC; with more than 16 states gradients by x and delta so far.
[[nodiscard]] inline index_t cuda_selective_scan_vjp_scratch(const device_scan& input,
                                                             const device_scan_batch& batch) {
  const index_t channels = input.x.columns;
  const index_t rows = input.x.rows;
  const index_t kept = batch.carries() ? checked_mul(batch.chunk_count, 2 * cuda_scan_states + 1) : 0;
  const index_t sums = input.rates.rows > cuda_scan_states ? checked_mul(2, rows) : 0;
  const index_t groups = (channels + cuda_scan_lanes - 1) / cuda_scan_lanes;
  const index_t parts = checked_mul(checked_mul(groups, rows), 2 * cuda_scan_states);
  return checked_add(checked_mul(channels, checked_add(kept, sums)), parts);
}

/// The adjoint: gradients by x, delta, B and C (formulas in docs/kernels.md). gradient.x and gradient.delta
/// may be those of the input.
///
/// States are made again, 8 rows at a time, from those before the chunk. dB and dC are sums over the
/// channels: a tree of 32 channels, then these groups in their order. Cost: 5 exponentials a state and row,
/// against 2 of the forward.
void cuda_selective_scan_vjp(cuda_stream stream, const device_scan& input, const device_scan_batch& batch,
                             device_matrix<const float> dy, device_vector<float> scratch,
                             const device_scan_gradient& gradient);

DNALM_END_NAMESPACE
