// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Body of cpu/selective_scan.hpp.
#pragma once

#include <algorithm>
#include <cstddef>

#include <dnalm/cpu/detail/scan_rows.hpp>
#include <dnalm/cpu/detail/unroll.hpp>
#include <dnalm/cpu/detail/vector_math.hpp>
#include <dnalm/cpu/selective_scan.hpp>

#define DNALM_ISA_BODY <dnalm/cpu/detail/selective_scan.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>
#define DNALM_ISA_BODY <dnalm/cpu/detail/selective_scan_vjp.ipp>
#include <dnalm/cpu/detail/for_each_isa.ipp>

DNALM_BEGIN_NAMESPACE

/// The rates of a block, and the states of all.
DNALM_INLINE index_t cpu_selective_scan_scratch(index_t channels, index_t states) {
  const index_t blocks = checked_add(channels, 15) / 16;
  return checked_mul(checked_mul(checked_add(blocks, 1), 16), states);
}

namespace detail {

/// The matrices of scan_vjp_memory one behind the other, from `next` on.
struct scan_vjp_cutter {
  float* next;
  float* take(index_t numbers) {
    float* const first = next;
    next += numbers;
    return first;
  }
};

}  // namespace detail

DNALM_INLINE index_t cpu_selective_scan_vjp_scratch(index_t length, index_t channels, index_t states,
                                                    index_t chunk) {
  const index_t blocks = checked_add(channels, 15) / 16;
  const index_t rows = std::min(chunk, length);
  const index_t of_blocks = checked_mul(blocks, checked_add(scan_kept_rows(length, chunk), 2));
  const index_t of_chunk = 2 * rows + 1 + 2 * detail::scan_slots(rows);
  const index_t numbers = checked_mul(checked_add(of_blocks, of_chunk), checked_mul(16, states));
  return checked_add(numbers, checked_mul(32, rows));
}

namespace detail {

inline void run_selective_scan(isa set, const scan_input<float>& input, const ragged_offsets& offsets,
                               float* carried, vector_view<float> scratch, matrix_view<float> y,
                               index_t chunk, matrix_view<float> kept) {
#if defined(__x86_64__)
  if (set >= isa::avx512) return isa_avx512::selective_scan(input, offsets, carried, scratch, y, chunk, kept);
  if (set == isa::avx2) return isa_avx2::selective_scan(input, offsets, carried, scratch, y, chunk, kept);
#endif
  static_cast<void>(set);
  isa_portable::selective_scan(input, offsets, carried, scratch, y, chunk, kept);
}

}  // namespace detail

DNALM_INLINE void cpu_selective_scan(isa set, const scan_input<float>& input, const ragged_offsets& offsets,
                                     vector_view<float> scratch, matrix_view<float> y, index_t chunk,
                                     matrix_view<float> kept) {
  detail::run_selective_scan(set, input, offsets, nullptr, scratch, y, chunk, kept);
}

DNALM_INLINE index_t cpu_scan_state_size(index_t channels, index_t states) {
  return checked_mul(checked_mul(checked_add(channels, 15) / 16, 16), states);
}

DNALM_INLINE void cpu_selective_scan_from(isa set, const scan_input<float>& input, vector_view<float> state,
                                          vector_view<float> scratch, matrix_view<float> y, index_t chunk) {
  ragged_offsets offsets;
  offsets.append(y.rows);
  detail::run_selective_scan(set, input, offsets, state.data, scratch, y, chunk, {});
}

DNALM_INLINE void cpu_selective_scan_vjp(isa set, const scan_input<float>& input, index_t first,
                                         index_t length, matrix_view<const float> dy,
                                         vector_view<float> scratch, const scan_gradient<float>& gradient,
                                         matrix_view<float> parts, index_t chunk,
                                         matrix_view<const float> kept) {
  const detail::scan_rows rows(first, length, input.order);
  const index_t numbers = 16 * input.rates.rows;
  const index_t all = (input.x.columns + 15) / 16 * numbers;
  const index_t starts = scan_kept_rows(length, chunk);
  const index_t most = std::min(chunk, length);
  detail::scan_vjp_cutter cut{scratch.data};
  const detail::scan_vjp_memory memory{cut.take(all),
                                       cut.take(all),
                                       as_matrix(cut.take(starts * all), starts, all),
                                       cut.take((most + 1) * numbers),
                                       cut.take(most * numbers),
                                       cut.take(most * 32),
                                       cut.take(detail::scan_slots(most) * 2 * numbers),
                                       chunk,
                                       kept};
#if defined(__x86_64__)
  if (set >= isa::avx512) {
    return detail::isa_avx512::selective_scan_vjp(input, rows, dy, memory, gradient, parts);
  }
  if (set == isa::avx2) {
    return detail::isa_avx2::selective_scan_vjp(input, rows, dy, memory, gradient, parts);
  }
#endif
  static_cast<void>(set);
  detail::isa_portable::selective_scan_vjp(input, rows, dy, memory, gradient, parts);
}

DNALM_END_NAMESPACE
