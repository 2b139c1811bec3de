// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sixteen floats at a time without any instruction set's intrinsics: the fallback for every CPU.
///
/// Each instruction set has the same vocabulary in a namespace of its own (`lanes` and the functions below);
/// the kernels (`*.ipp`) are written once on it and compiled once per namespace. Here four vectors of four
/// floats, which GCC and clang map to what the CPU has.
#pragma once

#include <cstdint>
#include <cstring>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

#define DNALM_LANE inline __attribute__((always_inline))

DNALM_BEGIN_NAMESPACE
namespace detail::isa_portable {

/// Rows of a product tile and vectors of 16 columns side by side in it.
inline constexpr int tile_rows = 2;
inline constexpr int tile_vectors = 1;

typedef float float4 __attribute__((vector_size(16)));
typedef std::int32_t int4 __attribute__((vector_size(16)));

struct lanes {
  float4 a, b, c, d;
};

DNALM_LANE float4 set4(float x) {
  return float4{x, x, x, x};
}
DNALM_LANE float4 load4(const float* from) {
  float4 x;
  std::memcpy(&x, from, sizeof x);
  return x;
}
DNALM_LANE void store4(float* to, float4 x) {
  std::memcpy(to, &x, sizeof x);
}
DNALM_LANE int4 bits4(float4 x) {
  int4 bits;
  std::memcpy(&bits, &x, sizeof x);
  return bits;
}
DNALM_LANE float4 float4_of(int4 bits) {
  float4 x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
/// yes where the mask is set, else no.
DNALM_LANE float4 select4(int4 mask, float4 yes, float4 no) {
  return float4_of((mask & bits4(yes)) | (~mask & bits4(no)));
}
DNALM_LANE float4 max4(float4 x, float4 y) {
  return select4(x > y, x, y);
}
DNALM_LANE float4 min4(float4 x, float4 y) {
  return select4(x < y, x, y);
}
/// The low bits of `shifted` in the exponent's place.
DNALM_LANE float4 power4(float4 shifted) {
  return float4_of(bits4(shifted) << 23);
}

DNALM_LANE lanes set1(float x) {
  return {set4(x), set4(x), set4(x), set4(x)};
}
DNALM_LANE lanes load(const float* from) {
  return {load4(from), load4(from + 4), load4(from + 8), load4(from + 12)};
}
DNALM_LANE void store(float* to, lanes x) {
  store4(to, x.a);
  store4(to + 4, x.b);
  store4(to + 8, x.c);
  store4(to + 12, x.d);
}
/// The first n numbers (0 < n < 16), the rest 0.
DNALM_LANE lanes load_part(const float* from, index_t n) {
  float all[16] = {};
  std::memcpy(all, from, static_cast<std::size_t>(n) * sizeof(float));
  return load(all);
}
DNALM_LANE void store_part(float* to, lanes x, index_t n) {
  float all[16];
  store(all, x);
  std::memcpy(to, all, static_cast<std::size_t>(n) * sizeof(float));
}
DNALM_LANE lanes add(lanes x, lanes y) {
  return {x.a + y.a, x.b + y.b, x.c + y.c, x.d + y.d};
}
DNALM_LANE lanes sub(lanes x, lanes y) {
  return {x.a - y.a, x.b - y.b, x.c - y.c, x.d - y.d};
}
DNALM_LANE lanes mul(lanes x, lanes y) {
  return {x.a * y.a, x.b * y.b, x.c * y.c, x.d * y.d};
}
DNALM_LANE lanes div(lanes x, lanes y) {
  return {x.a / y.a, x.b / y.b, x.c / y.c, x.d / y.d};
}
/// x y + z
DNALM_LANE lanes fma(lanes x, lanes y, lanes z) {
  return {x.a * y.a + z.a, x.b * y.b + z.b, x.c * y.c + z.c, x.d * y.d + z.d};
}
/// z - x y
DNALM_LANE lanes fnma(lanes x, lanes y, lanes z) {
  return {z.a - x.a * y.a, z.b - x.b * y.b, z.c - x.c * y.c, z.d - x.d * y.d};
}
/// The larger; y where either is NaN.
DNALM_LANE lanes max(lanes x, lanes y) {
  return {max4(x.a, y.a), max4(x.b, y.b), max4(x.c, y.c), max4(x.d, y.d)};
}
/// The smaller; y where either is NaN.
DNALM_LANE lanes min(lanes x, lanes y) {
  return {min4(x.a, y.a), min4(x.b, y.b), min4(x.c, y.c), min4(x.d, y.d)};
}
DNALM_LANE lanes abs(lanes x) {
  const int4 mask = {0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF};
  return {float4_of(bits4(x.a) & mask), float4_of(bits4(x.b) & mask), float4_of(bits4(x.c) & mask),
          float4_of(bits4(x.d) & mask)};
}
/// x in the first n lanes (0 < n < 16), y in the others.
DNALM_LANE lanes first_of(index_t n, lanes x, lanes y) {
  float all[16];
  store(all, y);
  store_part(all, x, n);
  return load(all);
}
/// yes where x < 0, else no.
DNALM_LANE lanes where_negative(lanes x, lanes yes, lanes no) {
  const float4 zero = set4(0.0F);
  return {select4(x.a < zero, yes.a, no.a), select4(x.b < zero, yes.b, no.b),
          select4(x.c < zero, yes.c, no.c), select4(x.d < zero, yes.d, no.d)};
}
/// 2^n for the float `shifted` = 2^23 + 2^22 + 127 + n, -127 < n < 128; 0 for n = -127.
DNALM_LANE lanes power_of_two(lanes shifted) {
  return {power4(shifted.a), power4(shifted.b), power4(shifted.c), power4(shifted.d)};
}
/// Sum in the fixed order that all instruction sets share: 16 = 8 + 8 = 4 + 4 = 2 + 2 = 1 + 1.
DNALM_LANE float reduce_add(lanes x) {
  const float4 four = (x.a + x.c) + (x.b + x.d);
  return (four[0] + four[2]) + (four[1] + four[3]);
}
/// The sum of four numbers, in the order of reduce_add.
DNALM_LANE float sum_four(float4 x) {
  return (x[0] + x[2]) + (x[1] + x[3]);
}
DNALM_LANE float4 sum_fours(float4 a, float4 b, float4 c, float4 d) {
  return float4{sum_four(a), sum_four(b), sum_four(c), sum_four(d)};
}
/// Four numbers of each in the place of four lanes: lane 4 i + 0 the sum of lanes 4 i ... 4 i + 3 of x, then
/// those of y, z and w.
DNALM_LANE lanes sum_fours(lanes x, lanes y, lanes z, lanes w) {
  return {sum_fours(x.a, y.a, z.a, w.a), sum_fours(x.b, y.b, z.b, w.b), sum_fours(x.c, y.c, z.c, w.c),
          sum_fours(x.d, y.d, z.d, w.d)};
}
/// to[k] = the sum of lanes k, 4 + k, 8 + k and 12 + k.
DNALM_LANE void add_fours(lanes x, float* to) {
  store4(to, (x.a + x.c) + (x.b + x.d));
}
DNALM_LANE float reduce_max(lanes x) {
  const float4 four = max4(max4(x.a, x.c), max4(x.b, x.d));
  const float left = four[0] > four[2] ? four[0] : four[2];
  const float right = four[1] > four[3] ? four[1] : four[3];
  return left > right ? left : right;
}
/// to[c, r] = from[r, c] for a block of 8 by 8.
DNALM_LANE void transpose_eight(const float* from, index_t from_stride, float* to, index_t to_stride) {
  for (int r = 0; r < 8; ++r) {
    for (int c = 0; c < 8; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace detail::isa_portable
DNALM_END_NAMESPACE

#undef DNALM_LANE
