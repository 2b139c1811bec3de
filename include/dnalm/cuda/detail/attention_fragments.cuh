// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention of bfloat16 rows on tensor cores: what a warp does with 16 queries and 16 keys or values.
///
/// Fragments are those of mma_bf16: with g = lane / 4, t = lane % 4 a lane has numbers of rows g and g + 8 of
/// the 16 queries, and of every 8 keys or channels those at 2t and 2t + 1.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Queries of a warp.
inline constexpr int fragment_rows = 16;
/// log2(e): scores are kept in units of it, exponentials are powers of 2.
inline constexpr float log2_e = 1.44269504F;

using half_rows = matrix_view<const bfloat16, memory_space::device>;

/// Numbers from row to row in shared memory, for heads of up to W channels: eight rows meet all banks.
template <int W>
inline constexpr int half_stride = W + 8;

/// Begins to bring rows [first, first + count) of a pair, with zeros beyond its rows and channels, to shared
/// memory: `channels` of each, a multiple of 16. The work of the threads `rank` of `threads`.
template <int W>
DNALM_DEVICE void stage_halves(const half_rows& from, int first, int count, int channels, int rank,
                               int threads, bfloat16* to) {
  const int parts = channels / 8;
  const bool aligned = is_aligned(from.data) && from.stride % 8 == 0;
  for (int i = rank; i < count * parts; i += threads) {
    const int r = i / parts;
    const int c = i % parts * 8;
    const int left = first + r < static_cast<int>(from.rows) ? static_cast<int>(from.columns) - c : 0;
    const int there = left < 0 ? 0 : (left < 8 ? left : 8);
    const bfloat16* source = there == 0 ? from.data : from.row_data(first + r) + c;
    bfloat16* place = to + r * half_stride<W> + c;
    if (aligned) {
      copy_async(place, source, 2 * there);
    } else {
      sixteen_bytes<bfloat16> part;
      DNALM_UNROLL
      for (int j = 0; j < 8; ++j) part.values[j] = j < there ? source[j] : bfloat16{0};
      *reinterpret_cast<sixteen_bytes<bfloat16>*>(place) = part;
    }
  }
}

/// Two neighbouring numbers of a row, read and written at once where every pair of a matrix lies so.
struct alignas(4) half_pair {
  bfloat16 low;
  bfloat16 high;
};
template <class T>
[[nodiscard]] DNALM_DEVICE bool has_pairs(const matrix_view<T, memory_space::device>& rows) {
  return reinterpret_cast<std::uintptr_t>(rows.data) % 4 == 0 && rows.stride % 2 == 0 &&
         rows.columns % 2 == 0;
}

/// The queries of a warp, read from global memory; beyond the last one its row again.
struct query_fragments {
  const bfloat16* rows[2];
  int width;
  bool paired;

  DNALM_DEVICE query_fragments(const half_rows& q, int first)
      : width(static_cast<int>(q.columns)), paired(has_pairs(q)) {
    DNALM_UNROLL
    for (int half = 0; half < 2; ++half) {
      const int row = first + lane() / 4 + 8 * half;
      rows[half] = q.row_data(row < static_cast<int>(q.rows) ? row : static_cast<int>(q.rows) - 1);
    }
  }
  [[nodiscard]] DNALM_DEVICE std::uint32_t pair_at(int half, int c) const {
    if (c >= width) return 0;
    half_pair two{rows[half][c], bfloat16{0}};
    if (paired) {
      two = *reinterpret_cast<const half_pair*>(rows[half] + c);
    } else if (c + 1 < width) {
      two.high = rows[half][c + 1];
    }
    return two.low.bits | static_cast<std::uint32_t>(two.high.bits) << 16;
  }
  /// Channels [c, c + 16).
  DNALM_DEVICE void load(int c, std::uint32_t (&a)[4]) const {
    const int place = c + lane() % 4 * 2;
    a[0] = pair_at(0, place);
    a[1] = pair_at(1, place);
    a[2] = pair_at(0, place + 8);
    a[3] = pair_at(1, place + 8);
    sync_warp();  // lanes may have gone different ways at the width's end; products take all at once
  }
};

/// Where a lane points load_tiles for 16 keys and 16 channels, and load_tiles_transposed for values.
template <int W>
[[nodiscard]] DNALM_DEVICE int key_place() {
  return (lane() / 16 * 8 + lane() % 8) * half_stride<W> + lane() / 8 % 2 * 8;
}
template <int W>
[[nodiscard]] DNALM_DEVICE int value_place() {
  return lane() % 16 * half_stride<W> + lane() / 16 * 8;
}

/// Adds 16 channels of the dot products with 16 keys: s0 of the first eight, s1 of the others.
DNALM_DEVICE void add_dots(const std::uint32_t (&a)[4], const bfloat16* keys, float (&s0)[4],
                           float (&s1)[4]) {
  std::uint32_t b[4];
  load_tiles(keys, b);
  const std::uint32_t first[2] = {b[0], b[1]};
  const std::uint32_t second[2] = {b[2], b[3]};
  mma_bf16(s0, a, first);
  mma_bf16(s1, a, second);
}
/// Adds 16 weighted values: to y0 of the first eight channels, to y1 of the next.
DNALM_DEVICE void add_values(const std::uint32_t (&p)[4], const bfloat16* values, float (&y0)[4],
                             float (&y1)[4]) {
  std::uint32_t b[4];
  load_tiles_transposed(values, b);
  const std::uint32_t first[2] = {b[0], b[1]};
  const std::uint32_t second[2] = {b[2], b[3]};
  mma_bf16(y0, p, first);
  mma_bf16(y1, p, second);
}

/// Dot products of queries first... with keys begin... become scores.
DNALM_DEVICE void score_dots(const score_rule& rule, int first, int begin, float (&s)[4]) {
  DNALM_UNROLL
  for (int e = 0; e < 4; ++e) {
    s[e] = rule.score(s[e], first + lane() / 4 + e / 2 * 8, begin + lane() % 4 * 2 + e % 2);
  }
}
/// Both halves of a register added up.
[[nodiscard]] DNALM_DEVICE float halves_sum(std::uint32_t two) {
  return float_from_bf16(static_cast<std::uint16_t>(two)) +
         float_from_bf16(static_cast<std::uint16_t>(two >> 16));
}
/// Weights of 16 keys, rounded as the sums take them, and added to this lane's part of their sum: so that
/// weights divided by their sum are 1 together.
DNALM_DEVICE void pack_weights(const float (&s0)[4], const float (&s1)[4], std::uint32_t (&p)[4],
                               float (&sum)[2]) {
  p[0] = pack_bf16(s0[0], s0[1]);
  p[1] = pack_bf16(s0[2], s0[3]);
  p[2] = pack_bf16(s1[0], s1[1]);
  p[3] = pack_bf16(s1[2], s1[3]);
  DNALM_UNROLL
  for (int i = 0; i < 4; ++i) sum[i % 2] += halves_sum(p[i]);
}

/// Sum, largest over the four lanes that share a query; the same bits in all of them.
[[nodiscard]] DNALM_DEVICE float quad_sum(float value) {
  value += shuffle_xor(value, 2);
  return value + shuffle_xor(value, 1);
}
[[nodiscard]] DNALM_DEVICE float quad_max(float value) {
  DNALM_UNROLL
  for (int mask = 2; mask > 0; mask /= 2) {
    const float other = shuffle_xor(value, mask);
    value = other > value ? other : value;
  }
  return value;
}

/// y(first + row, c...) = factor[half] d: eight channels from c on.
DNALM_DEVICE void store_fragment(const float (&d)[4], const float (&factor)[2], int first, int c,
                                 const device_matrix<bfloat16>& y, bool paired) {
  const int place = c + lane() % 4 * 2;
  const int left = static_cast<int>(y.columns) - place;
  DNALM_UNROLL
  for (int half = 0; half < 2; ++half) {
    const int row = first + lane() / 4 + 8 * half;
    if (row >= static_cast<int>(y.rows) || left <= 0) continue;
    const std::uint32_t two = pack_bf16(d[2 * half] * factor[half], d[2 * half + 1] * factor[half]);
    const half_pair both{{static_cast<std::uint16_t>(two)}, {static_cast<std::uint16_t>(two >> 16)}};
    bfloat16* to = y.row_data(row) + place;
    if (paired) {
      *reinterpret_cast<half_pair*>(to) = both;
    } else {
      to[0] = both.low;
      if (left > 1) to[1] = both.high;
    }
  }
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
