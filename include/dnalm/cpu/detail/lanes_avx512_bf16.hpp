// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What AVX512-BF16 adds to AVX-512: pairs of bfloat16 that are multiplied and added in one step.
///
/// A pair takes the place of one float: `lanes` holds sixteen pairs, a row of pairs is read as floats are.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/lanes_avx512.hpp>

/// What functions of this instruction set are compiled for.
#define DNALM_PAIRS_TARGET "avx512f,avx512bw,avx512vl,avx512bf16,avx2,fma"
#define DNALM_LANE inline __attribute__((always_inline, target(DNALM_PAIRS_TARGET)))

DNALM_BEGIN_NAMESPACE
namespace detail::isa_avx512_bf16 {

using isa_avx512::add;
using isa_avx512::lanes;
using isa_avx512::load;
using isa_avx512::load_part;
using isa_avx512::mul;
using isa_avx512::set1;
using isa_avx512::store;
using isa_avx512::store_part;
using isa_avx512::tile_rows;
using isa_avx512::tile_vectors;

/// sum + the products of both members of each pair (vdpbf16ps: subnormal numbers count as 0).
DNALM_LANE lanes dot_pairs(lanes a, lanes b, lanes sum) {
  __m512bh x;
  __m512bh y;
  __builtin_memcpy(&x, &a.at, sizeof x);
  __builtin_memcpy(&y, &b.at, sizeof y);
  return {_mm512_dpbf16_ps(sum.at, x, y)};
}
/// Sixteen pairs from 32 neighbouring floats, rounded to nearest.
DNALM_LANE lanes round_pairs(lanes first, lanes second) {
  const __m512bh pairs = _mm512_cvtne2ps_pbh(second.at, first.at);
  lanes result;
  __builtin_memcpy(&result.at, &pairs, sizeof pairs);
  return result;
}
/// Sixteen pairs (first[i], second[i]), rounded to nearest.
DNALM_LANE lanes join_pairs(lanes first, lanes second) {
  const lanes both = round_pairs(first, second);  // all of first, then all of second
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7,
                                         22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return {
      _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xFFFFFFFF, order, _mm512_castps_si512(both.at)))};
}
/// (a, b), (c, d) -> (a, c), (b, d) for the two pairs in each eight bytes.
DNALM_LANE lanes exchange_halves(lanes pairs) {
  const __m512i order = _mm512_set4_epi32(0x0F0E0B0A, 0x0D0C0908, 0x07060302, 0x05040100);
  return {_mm512_castsi512_ps(_mm512_shuffle_epi8(_mm512_castps_si512(pairs.at), order))};
}
/// Eight rows of eight doubles, transposed.
DNALM_LANE void transpose_doubles(lanes (&rows)[8]) {
  __m512d even[4];
  __m512d odd[4];
  for (int i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(rows[2 * i].at);
    const __m512d b = _mm512_castps_pd(rows[2 * i + 1].at);
    even[i] = _mm512_maskz_unpacklo_pd(0xFF, a, b);
    odd[i] = _mm512_maskz_unpackhi_pd(0xFF, a, b);
  }
  for (int parity = 0; parity < 2; ++parity) {
    const __m512d* x = parity == 0 ? even : odd;
    const __m512d low = _mm512_maskz_shuffle_f64x2(0xFF, x[0], x[1], 0x88);  // columns 0 and 4 of rows 0 to 3
    const __m512d high = _mm512_maskz_shuffle_f64x2(0xFF, x[2], x[3], 0x88);  // of rows 4 to 7
    const __m512d low2 = _mm512_maskz_shuffle_f64x2(0xFF, x[0], x[1], 0xDD);  // columns 2 and 6
    const __m512d high2 = _mm512_maskz_shuffle_f64x2(0xFF, x[2], x[3], 0xDD);
    rows[parity].at = _mm512_castpd_ps(_mm512_maskz_shuffle_f64x2(0xFF, low, high, 0x88));
    rows[parity + 2].at = _mm512_castpd_ps(_mm512_maskz_shuffle_f64x2(0xFF, low2, high2, 0x88));
    rows[parity + 4].at = _mm512_castpd_ps(_mm512_maskz_shuffle_f64x2(0xFF, low, high, 0xDD));
    rows[parity + 6].at = _mm512_castpd_ps(_mm512_maskz_shuffle_f64x2(0xFF, low2, high2, 0xDD));
  }
}

}  // namespace detail::isa_avx512_bf16
DNALM_END_NAMESPACE

#undef DNALM_LANE
#endif
