// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sixteen floats at a time in two AVX2 registers (vocabulary: lanes_portable.hpp).
///
/// The order of every operation is that of AVX-512, so both give the same bits.
#pragma once

#if defined(__x86_64__)

#include <immintrin.h>

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/unroll.hpp>

#define DNALM_LANE inline __attribute__((always_inline, target("avx2,fma")))

DNALM_BEGIN_NAMESPACE
namespace detail::isa_avx2 {

inline constexpr int tile_rows = 6;
inline constexpr int tile_vectors = 1;

struct lanes {
  __m256 low;
  __m256 high;
};

/// All bits set in the first n of 8 (n may lie outside 0..8).
DNALM_LANE __m256i first_lanes(index_t n) {
  const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), place);
}
DNALM_LANE lanes set1(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
DNALM_LANE lanes load(const float* from) {
  return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
}
DNALM_LANE lanes load_part(const float* from, index_t n) {
  return {_mm256_maskload_ps(from, first_lanes(n)), _mm256_maskload_ps(from + 8, first_lanes(n - 8))};
}
DNALM_LANE void store(float* to, lanes x) {
  _mm256_storeu_ps(to, x.low);
  _mm256_storeu_ps(to + 8, x.high);
}
DNALM_LANE void store_part(float* to, lanes x, index_t n) {
  _mm256_maskstore_ps(to, first_lanes(n), x.low);
  _mm256_maskstore_ps(to + 8, first_lanes(n - 8), x.high);
}
DNALM_LANE lanes add(lanes a, lanes b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
DNALM_LANE lanes sub(lanes a, lanes b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
DNALM_LANE lanes mul(lanes a, lanes b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
DNALM_LANE lanes div(lanes a, lanes b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
DNALM_LANE lanes fma(lanes a, lanes b, lanes c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
DNALM_LANE lanes fnma(lanes a, lanes b, lanes c) {
  return {_mm256_fnmadd_ps(a.low, b.low, c.low), _mm256_fnmadd_ps(a.high, b.high, c.high)};
}
DNALM_LANE lanes max(lanes a, lanes b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
DNALM_LANE lanes min(lanes a, lanes b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
DNALM_LANE lanes abs(lanes x) {
  const __m256 mask = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF));
  return {_mm256_and_ps(x.low, mask), _mm256_and_ps(x.high, mask)};
}
DNALM_LANE lanes first_of(index_t n, lanes x, lanes y) {
  return {_mm256_blendv_ps(y.low, x.low, _mm256_castsi256_ps(first_lanes(n))),
          _mm256_blendv_ps(y.high, x.high, _mm256_castsi256_ps(first_lanes(n - 8)))};
}
DNALM_LANE lanes where_negative(lanes x, lanes a, lanes b) {
  const __m256 zero = _mm256_setzero_ps();
  return {_mm256_blendv_ps(b.low, a.low, _mm256_cmp_ps(x.low, zero, _CMP_LT_OQ)),
          _mm256_blendv_ps(b.high, a.high, _mm256_cmp_ps(x.high, zero, _CMP_LT_OQ))};
}
DNALM_LANE lanes power_of_two(lanes shifted) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted.low), 23)),
          _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted.high), 23))};
}
DNALM_LANE float reduce_add(lanes x) {
  const __m256 eight = _mm256_add_ps(x.low, x.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
DNALM_LANE __m256 sum_fours(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 low = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
  const __m256 high = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
  return _mm256_add_ps(_mm256_shuffle_ps(low, high, 0x44), _mm256_shuffle_ps(low, high, 0xEE));
}
DNALM_LANE lanes sum_fours(lanes a, lanes b, lanes c, lanes d) {
  return {sum_fours(a.low, b.low, c.low, d.low), sum_fours(a.high, b.high, c.high, d.high)};
}
DNALM_LANE void add_fours(lanes x, float* to) {
  const __m256 eight = _mm256_add_ps(x.low, x.high);
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1)));
}
DNALM_LANE float reduce_max(lanes x) {
  const __m256 eight = _mm256_max_ps(x.low, x.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
/// to[c, r] = from[r, c] for a block of 8 by 8.
DNALM_LANE void transpose_eight(const float* from, index_t from_stride, float* to, index_t to_stride) {
  __m256 rows[8];
  __m256 pairs[8];
  DNALM_CPU_UNROLL
  for (int r = 0; r < 8; ++r) rows[r] = _mm256_loadu_ps(from + r * from_stride);
  DNALM_CPU_UNROLL
  for (int r = 0; r < 8; r += 2) {
    pairs[r] = _mm256_unpacklo_ps(rows[r], rows[r + 1]);
    pairs[r + 1] = _mm256_unpackhi_ps(rows[r], rows[r + 1]);
  }
  DNALM_CPU_UNROLL
  for (int r = 0; r < 8; r += 4) {
    rows[r] = _mm256_shuffle_ps(pairs[r], pairs[r + 2], 0x44);
    rows[r + 1] = _mm256_shuffle_ps(pairs[r], pairs[r + 2], 0xEE);
    rows[r + 2] = _mm256_shuffle_ps(pairs[r + 1], pairs[r + 3], 0x44);
    rows[r + 3] = _mm256_shuffle_ps(pairs[r + 1], pairs[r + 3], 0xEE);
  }
  DNALM_CPU_UNROLL
  for (int c = 0; c < 4; ++c) {
    _mm256_storeu_ps(to + c * to_stride, _mm256_permute2f128_ps(rows[c], rows[c + 4], 0x20));
    _mm256_storeu_ps(to + (c + 4) * to_stride, _mm256_permute2f128_ps(rows[c], rows[c + 4], 0x31));
  }
}

}  // namespace detail::isa_avx2
DNALM_END_NAMESPACE

#undef DNALM_LANE
#endif
