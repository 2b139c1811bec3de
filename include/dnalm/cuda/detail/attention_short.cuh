// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention of short bfloat16 sequences: all keys and values of a head in shared memory, all scores
/// of 16 queries in the registers of a warp.
#pragma once

#include <cstdint>
#include <type_traits>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/attention_fragments.cuh>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/device.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Tokens of the longest sequence that is short: what shared memory has room for.
[[nodiscard]] inline int longest_short(int width) {
  return width <= 64 ? 256 : (width <= 128 ? 128 : 64);
}

/// Warps of a block, at most. The scores of more keys take more registers: smaller blocks fill a
/// multiprocessor better then.
[[nodiscard]] DNALM_HD constexpr int short_warps(int keys) {
  return keys > 64 ? 4 : 8;
}

/// What the kernel does with queries and keys as it reads them: nothing. (turned_rows rotates them.)
struct rows_as_stored {
  static constexpr bool turns_keys = false;

  [[nodiscard]] DNALM_DEVICE query_fragments queries(const half_rows& q, int first) const {
    return {q, first};
  }
};

/// Scores and weights of 16 queries with up to Keys keys. Keys are skipped 32 at a time: what is computed for
/// a sequence does not depend on Keys.
template <int Keys, int W>
struct short_queries {
  static constexpr int spans = Keys / 32;
  static constexpr int stride = half_stride<W>;

  float s[4 * spans][4];
  std::uint32_t p[2 * spans][4];
  float factor[2];  ///< 1 / sum of the exponentials

  template <class Queries>
  DNALM_DEVICE void multiply(const score_rule& rule, const Queries& queries, const bfloat16* keys,
                             int channels) {
    const bfloat16* place = keys + key_place<W>();
    DNALM_UNROLL
    for (int n = 0; n < 4 * spans; ++n) {
      DNALM_UNROLL
      for (int e = 0; e < 4; ++e) s[n][e] = 0.0F;
    }
    for (int c = 0; c < channels; c += 16) {
      std::uint32_t a[4];
      queries.load(c, a);
      DNALM_UNROLL
      for (int m = 0; m < spans; ++m) {
        if (32 * m < rule.length) {
          add_dots(a, place + 32 * m * stride + c, s[4 * m], s[4 * m + 1]);
          add_dots(a, place + (32 * m + 16) * stride + c, s[4 * m + 2], s[4 * m + 3]);
        }
      }
    }
  }

  DNALM_DEVICE void normalise(const score_rule& rule, int first) {
    float most[2] = {no_score, no_score};
    DNALM_UNROLL
    for (int m = 0; m < spans; ++m) {
      if (32 * m < rule.length) score_span(rule, first, m, most);
    }
    most[0] = quad_max(most[0]);
    most[1] = quad_max(most[1]);
    float sum[2] = {0.0F, 0.0F};
    DNALM_UNROLL
    for (int m = 0; m < spans; ++m) {
      if (32 * m < rule.length) weigh_span(m, most, sum);
    }
    factor[0] = 1.0F / quad_sum(sum[0]);
    factor[1] = 1.0F / quad_sum(sum[1]);
  }

  DNALM_DEVICE void store(const score_rule& rule, const bfloat16* values, int channels, int first,
                          const device_matrix<bfloat16>& y) const {
    const bool paired = has_pairs(y);
    for (int c = 0; c < channels; c += 32) {
      if (c + 16 < channels) {
        store_channels<4>(rule, values, first, c, y, paired);
      } else {
        store_channels<2>(rule, values, first, c, y, paired);
      }
    }
  }

 private:
  /// Dot products with 32 keys become scores.
  DNALM_DEVICE void score_span(const score_rule& rule, int first, int m, float (&most)[2]) {
    DNALM_UNROLL
    for (int n = 4 * m; n < 4 * m + 4; ++n) {
      score_dots(rule, first, 8 * n, s[n]);
      DNALM_UNROLL
      for (int e = 0; e < 4; ++e) most[e / 2] = s[n][e] > most[e / 2] ? s[n][e] : most[e / 2];
    }
  }
  /// Scores of 32 keys become exponentials, and weights; `sum` is this lane's part.
  DNALM_DEVICE void weigh_span(int m, const float (&most)[2], float (&sum)[2]) {
    DNALM_UNROLL
    for (int n = 4 * m; n < 4 * m + 4; ++n) {
      DNALM_UNROLL
      for (int e = 0; e < 4; ++e) s[n][e] = fast_exp2(s[n][e] - most[e / 2]);
    }
    pack_weights(s[4 * m], s[4 * m + 1], p[2 * m], sum);
    pack_weights(s[4 * m + 2], s[4 * m + 3], p[2 * m + 1], sum);
  }

  /// Channels [c, c + 8 Octets) of the sums.
  template <int Octets>
  DNALM_DEVICE void store_channels(const score_rule& rule, const bfloat16* values, int first, int c,
                                   const device_matrix<bfloat16>& y, bool paired) const {
    const bfloat16* place = values + value_place<W>() + c;
    float d[Octets][4] = {};
    sync_warp();  // after the stores of the former channels
    DNALM_UNROLL
    for (int n = 0; n < 2 * spans; ++n) {
      if (n / 2 * 32 < rule.length) {
        DNALM_UNROLL
        for (int o = 0; o < Octets; o += 2) add_values(p[n], place + 16 * n * stride + 8 * o, d[o], d[o + 1]);
      }
    }
    DNALM_UNROLL
    for (int o = 0; o < Octets; ++o) store_fragment(d[o], factor, first, c + 8 * o, y, paired);
  }
};

template <int Keys, int W, class Reading>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(short_warps(Keys) * warp_threads, Keys == 128 ? 3 : 2)
    attention_short_kernel(attention_work work, attention_teams teams, int channels, half_rows all_q,
                           half_rows all_k, half_rows all_v, device_matrix<bfloat16> all_y, Reading reading) {
  const attention_pair pair = find_pair(work, teams);
  const score_rule rule(work, pair, log2_e);
  const int numbers = teams.rows * half_stride<W>;
  bfloat16* keys = shared_memory<bfloat16>() + pair.team * 2 * numbers;
  bfloat16* values = keys + numbers;
  const int rank = pair.warp * warp_threads + lane();
  const int threads = teams.warps * warp_threads;
  const int count = (pair.length + 31) / 32 * 32;
  stage_halves<W>(pair.part(all_k, work.width), 0, count, channels, rank, threads, keys);
  stage_halves<W>(pair.part(all_v, work.width), 0, count, channels, rank, threads, values);
  copy_commit();
  copy_wait<0>();
  sync_block();
  if constexpr (Reading::turns_keys) {
    reading.template turn_keys<W>(pair.length, rank, threads, keys);
    sync_block();
  }
  const half_rows q = pair.part(all_q, work.width);
  const device_matrix<bfloat16> y = pair.part(all_y, work.width);
  for (int first = pair.warp * fragment_rows; first < pair.length; first += teams.warps * fragment_rows) {
    short_queries<Keys, W> queries;
    queries.multiply(rule, reading.queries(q, first), keys, channels);
    queries.normalise(rule, first);
    queries.store(rule, values, channels, first, y);
  }
}

/// A warp for every 16 queries of a pair, or for several of them, or several pairs in a block.
template <int W>
[[nodiscard]] attention_teams make_short_teams(int longest) {
  const int tiles = (longest + fragment_rows - 1) / fragment_rows;
  const int most = short_warps(longest);
  const int warps = tiles < most ? tiles : most;
  const int rows = (longest + 31) / 32 * 32;
  const int room = shared_pairs_bytes / (4 * rows * half_stride<W>);
  const int pairs = room < most / warps ? room : most / warps;
  return {pairs < 1 ? 1 : pairs, warps, rows};
}

/// call(integral_constant) of the number of keys the kernel is built for that holds `longest`.
template <int W, class Call>
void with_short_keys(int longest, const Call& call) {
  if (longest <= 32) return call(std::integral_constant<int, 32>{});
  if constexpr (W > 128) {
    call(std::integral_constant<int, 64>{});
  } else {
    if (longest <= 64) return call(std::integral_constant<int, 64>{});
    if constexpr (W > 64) {
      call(std::integral_constant<int, 128>{});
    } else {
      if (longest <= 128) return call(std::integral_constant<int, 128>{});
      call(std::integral_constant<int, 256>{});
    }
  }
}

/// Sequences of up to longest_short tokens.
template <class Reading = rows_as_stored>
void launch_attention_short(cuda_stream stream, attention_work work, half_rows q, half_rows k, half_rows v,
                            device_matrix<bfloat16> y, const Reading& reading = {}) {
  const int limit = longest_short(work.width);
  if (work.longest > limit) work.longest = limit;
  with_head_width(work.width, [&](auto width) {
    constexpr int w = decltype(width)::value;
    const attention_teams teams = make_short_teams<w>(work.longest);
    const index_t bytes = index_t{4} * teams.pairs * teams.rows * half_stride<w>;
    const int threads = teams.pairs * teams.warps * warp_threads;
    with_short_keys<w>(work.longest, [&](auto keys) {
      launch(attention_short_kernel<decltype(keys)::value, w, Reading>, pairs_grid(work, teams, 1), threads,
             bytes, stream, work, teams, (work.width + 15) / 16 * 16, q, k, v, y, reading);
    });
  });
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
