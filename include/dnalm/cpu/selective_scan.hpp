// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Selective scan in float, with its adjoint: channels side by side, rows one after the other.
#pragma once

#include <algorithm>

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Rows that the scan and its adjoint take at a time. The states between them are kept as they are: the
/// numbers do not depend on it (bitwise).
inline constexpr index_t scan_chunk = 64;

/// Chunks of a sequence but its first: as many states are kept. Over all sequences at most R / chunk.
[[nodiscard]] inline index_t scan_kept_rows(index_t length, index_t chunk = scan_chunk) {
  return length == 0 ? 0 : (length - 1) / chunk;
}

/// The channels of an adjoint are cut into so many groups at most, whatever the number of threads: gradients
/// by B and C are sums within each, and then over them.
inline constexpr index_t scan_groups = 8;

/// Groups of the 16-channel blocks of `channels`, and the first channel of a group.
[[nodiscard]] inline index_t scan_group_count(index_t channels) {
  return std::min((channels + 15) / 16, scan_groups);
}
[[nodiscard]] inline index_t scan_group_begin(index_t channels, index_t group) {
  const index_t blocks = (channels + 15) / 16;
  return std::min(channels, group * blocks / scan_group_count(channels) * 16);
}

/// y[r, e] = sum over n of s[n, e] C[r, n] + D[e] x[r, e] with the states s of selective_scan_kernels. y may
/// be x or delta; `scratch` holds cpu_selective_scan_scratch(E, N) numbers.
///
/// exp, and log(1 + exp) of the steps, to a few units of the last place. Cost: E N exponentials a row; one
/// read of x, delta and parts, one write. `kept`, unless empty, gets the states before every chunk but a
/// sequence's first: one row each, cpu_scan_state_size(E, N) numbers.
void cpu_selective_scan(isa set, const scan_input<float>& input, const ragged_offsets& offsets,
                        vector_view<float> scratch, matrix_view<float> y, index_t chunk = scan_chunk,
                        matrix_view<float> kept = {});
[[nodiscard]] index_t cpu_selective_scan_scratch(index_t channels, index_t states);

/// Rows of one sequence that go on from `state` and leave theirs there (carried_scan_kernels): of every block
/// of 16 channels (N, 16). The bits are those of cpu_selective_scan on all rows.
void cpu_selective_scan_from(isa set, const scan_input<float>& input, vector_view<float> state,
                             vector_view<float> scratch, matrix_view<float> y, index_t chunk = scan_chunk);
[[nodiscard]] index_t cpu_scan_state_size(index_t channels, index_t states);

/// The adjoint for the channels of the views and one sequence, rows [first, first + length): gradients by x
/// and delta, and of those by B and C what these channels give, in `parts` (length, 2 N).
///
/// The states before the sequence's chunks are `kept` (cpu_selective_scan), or with no rows there computed
/// again; those within a chunk are computed again with the exponentials, which the adjoint reads. `scratch`
/// holds cpu_selective_scan_vjp_scratch(length, E, N, chunk) numbers. Cost: E N exponentials a row, twice as
/// many without `kept`.
void cpu_selective_scan_vjp(isa set, const scan_input<float>& input, index_t first, index_t length,
                            matrix_view<const float> dy, vector_view<float> scratch,
                            const scan_gradient<float>& gradient, matrix_view<float> parts,
                            index_t chunk = scan_chunk, matrix_view<const float> kept = {});
[[nodiscard]] index_t cpu_selective_scan_vjp_scratch(index_t length, index_t channels, index_t states,
                                                     index_t chunk = scan_chunk);

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/cpu/detail/selective_scan_impl.hpp>
#endif
