// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sixteen floats at a time in one AVX-512 register (vocabulary: lanes_portable.hpp).
///
/// Everything is a function with a target attribute, so that the header compiles without any `-march`.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/lanes_avx2.hpp>

#define DNALM_LANE inline __attribute__((always_inline, target("avx512f,avx2,fma")))

DNALM_BEGIN_NAMESPACE
namespace detail::isa_avx512 {

inline constexpr int tile_rows = 12;
inline constexpr int tile_vectors = 2;

struct lanes {
  __m512 at;
};

/// Masked forms with all lanes set compile to the plain instructions, without g++ 12's warnings (GCC bug
/// 105593).
inline constexpr __mmask16 all_lanes = 0xFFFF;

DNALM_LANE __mmask16 first_lanes(index_t n) {
  return static_cast<__mmask16>((1U << n) - 1U);
}
DNALM_LANE lanes set1(float x) {
  return {_mm512_set1_ps(x)};
}
DNALM_LANE lanes load(const float* from) {
  return {_mm512_loadu_ps(from)};
}
DNALM_LANE lanes load_part(const float* from, index_t n) {
  return {_mm512_maskz_loadu_ps(first_lanes(n), from)};
}
DNALM_LANE void store(float* to, lanes x) {
  _mm512_storeu_ps(to, x.at);
}
DNALM_LANE void store_part(float* to, lanes x, index_t n) {
  _mm512_mask_storeu_ps(to, first_lanes(n), x.at);
}
DNALM_LANE lanes add(lanes a, lanes b) {
  return {_mm512_add_ps(a.at, b.at)};
}
DNALM_LANE lanes sub(lanes a, lanes b) {
  return {_mm512_sub_ps(a.at, b.at)};
}
DNALM_LANE lanes mul(lanes a, lanes b) {
  return {_mm512_mul_ps(a.at, b.at)};
}
DNALM_LANE lanes div(lanes a, lanes b) {
  return {_mm512_div_ps(a.at, b.at)};
}
DNALM_LANE lanes fma(lanes a, lanes b, lanes c) {
  return {_mm512_fmadd_ps(a.at, b.at, c.at)};
}
DNALM_LANE lanes fnma(lanes a, lanes b, lanes c) {
  return {_mm512_fnmadd_ps(a.at, b.at, c.at)};
}
DNALM_LANE lanes max(lanes a, lanes b) {
  return {_mm512_maskz_max_ps(all_lanes, a.at, b.at)};
}
DNALM_LANE lanes min(lanes a, lanes b) {
  return {_mm512_maskz_min_ps(all_lanes, a.at, b.at)};
}
DNALM_LANE lanes abs(lanes x) {
  return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x.at), _mm512_set1_epi32(0x7FFFFFFF)))};
}
DNALM_LANE lanes first_of(index_t n, lanes x, lanes y) {
  return {_mm512_mask_blend_ps(first_lanes(n), y.at, x.at)};
}
DNALM_LANE lanes where_negative(lanes x, lanes a, lanes b) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(x.at, _mm512_setzero_ps(), _CMP_LT_OQ), b.at, a.at)};
}
DNALM_LANE lanes power_of_two(lanes shifted) {
  return {_mm512_castsi512_ps(_mm512_maskz_slli_epi32(all_lanes, _mm512_castps_si512(shifted.at), 23))};
}
template <int Half>
DNALM_LANE __m256 half_of(__m512 x) {
  return _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, _mm512_castps_pd(x), Half));
}
DNALM_LANE float reduce_add(lanes x) {
  const __m256 eight = _mm256_add_ps(half_of<0>(x.at), half_of<1>(x.at));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
DNALM_LANE lanes sum_fours(lanes a, lanes b, lanes c, lanes d) {
  const __m512 low = _mm512_add_ps(_mm512_maskz_unpacklo_ps(all_lanes, a.at, b.at),
                                   _mm512_maskz_unpackhi_ps(all_lanes, a.at, b.at));
  const __m512 high = _mm512_add_ps(_mm512_maskz_unpacklo_ps(all_lanes, c.at, d.at),
                                    _mm512_maskz_unpackhi_ps(all_lanes, c.at, d.at));
  return {_mm512_add_ps(_mm512_maskz_shuffle_ps(all_lanes, low, high, 0x44),
                        _mm512_maskz_shuffle_ps(all_lanes, low, high, 0xEE))};
}
DNALM_LANE void add_fours(lanes x, float* to) {
  const __m256 eight = _mm256_add_ps(half_of<0>(x.at), half_of<1>(x.at));
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
}
DNALM_LANE float reduce_max(lanes x) {
  const __m256 eight = _mm256_max_ps(half_of<0>(x.at), half_of<1>(x.at));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
/// to[c, r] = from[r, c] for a block of 8 by 8.
DNALM_LANE void transpose_eight(const float* from, index_t from_stride, float* to, index_t to_stride) {
  isa_avx2::transpose_eight(from, from_stride, to, to_stride);
}

}  // namespace detail::isa_avx512
DNALM_END_NAMESPACE

#undef DNALM_LANE
#endif
