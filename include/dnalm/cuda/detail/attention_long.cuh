// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention of long bfloat16 sequences: keys and values pass by in blocks, the next of which is on
/// its way while one is worked on.
#pragma once

#include <cstdint>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/attention_fragments.cuh>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/device.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Sizes for heads of up to W channels.
template <int W>
struct long_shape {
  static constexpr int warps = 4;
  static constexpr bool keeps_queries = W <= 128;     ///< in registers; else they are read again every step
  static constexpr int rows = warps * fragment_rows;  ///< queries of a block
  static constexpr int keys = W > 128 ? 32 : 64;      ///< of a step
  static constexpr int stride = half_stride<W>;
  static constexpr int numbers = 2 * keys * stride;  ///< of a step's keys and values
  static constexpr int bytes = 2 * 2 * numbers;      ///< two steps
};

/// What a warp knows of its 16 queries while the keys pass by.
template <int W>
struct long_queries {
  using shape = long_shape<W>;

  int first;        ///< the first query's place in the sequence
  token_span near;  ///< steps whose keys these queries meet
  query_fragments source;
  std::uint32_t a[shape::keeps_queries ? W / 16 : 1][4];
  float d[W / 8][4];
  float largest[2];
  float sum[2];  ///< this lane's part

  DNALM_DEVICE long_queries(const score_rule& rule, const half_rows& q, int first_query)
      : first(first_query), near{0, 0}, source(q, first_query), largest{no_score, no_score}, sum{0.0F, 0.0F} {
    if constexpr (shape::keeps_queries) {
      DNALM_UNROLL
      for (int c = 0; c < W / 16; ++c) source.load(16 * c, a[c]);
    }
    DNALM_UNROLL
    for (int c = 0; c < W / 8; ++c) {
      DNALM_UNROLL
      for (int e = 0; e < 4; ++e) d[c][e] = 0.0F;
    }
    if (first < rule.length) near = rule.near_blocks(first, first + fragment_rows - 1, shape::keys);
  }

  /// Adds a step's keys and values.
  DNALM_DEVICE void take(const score_rule& rule, int step, const bfloat16* keys) {
    float s[shape::keys / 8][4];
    score(rule, step, keys, s);
    exponentials(s);
    const bfloat16* values = keys + shape::keys * shape::stride + value_place<W>();
    DNALM_UNROLL
    for (int n = 0; n < shape::keys / 16; ++n) {
      std::uint32_t p[4];
      pack_weights(s[2 * n], s[2 * n + 1], p, sum);
      DNALM_UNROLL
      for (int c = 0; c < W / 8; c += 2) {
        add_values(p, values + 16 * n * shape::stride + 8 * c, d[c], d[c + 1]);
      }
    }
  }

  DNALM_DEVICE void store(const device_matrix<bfloat16>& y) const {
    const float factor[2] = {1.0F / quad_sum(sum[0]), 1.0F / quad_sum(sum[1])};
    const bool paired = has_pairs(y);
    DNALM_UNROLL
    for (int c = 0; c < W / 8; ++c) store_fragment(d[c], factor, first, 8 * c, y, paired);
  }

 private:
  DNALM_DEVICE void score(const score_rule& rule, int step, const bfloat16* keys,
                          float (&s)[shape::keys / 8][4]) {
    const bfloat16* place = keys + key_place<W>();
    DNALM_UNROLL
    for (int n = 0; n < shape::keys / 8; ++n) {
      DNALM_UNROLL
      for (int e = 0; e < 4; ++e) s[n][e] = 0.0F;
    }
    if constexpr (shape::keeps_queries) {
      DNALM_UNROLL
      for (int c = 0; c < W / 16; ++c) add_channels(a[c], place + 16 * c, s);
    } else {
      for (int c = 0; c < source.width; c += 16) {
        source.load(c, a[0]);
        add_channels(a[0], place + c, s);
      }
    }
    DNALM_UNROLL
    for (int n = 0; n < shape::keys / 8; ++n) score_dots(rule, first, step * shape::keys + 8 * n, s[n]);
  }

  /// Adds 16 channels of the dot products with all keys of a step.
  DNALM_DEVICE void add_channels(const std::uint32_t (&part)[4], const bfloat16* place,
                                 float (&s)[shape::keys / 8][4]) const {
    DNALM_UNROLL
    for (int n = 0; n < shape::keys / 8; n += 2) {
      add_dots(part, place + 8 * n * shape::stride, s[n], s[n + 1]);
    }
  }

  /// Scores become exponentials relative to the largest score so far; what was summed before follows.
  DNALM_DEVICE void exponentials(float (&s)[shape::keys / 8][4]) {
    DNALM_UNROLL
    for (int half = 0; half < 2; ++half) {
      float most = no_score;
      DNALM_UNROLL
      for (int n = 0; n < shape::keys / 4; ++n) {
        const float value = s[n / 2][2 * half + n % 2];
        most = value > most ? value : most;
      }
      most = quad_max(most);
      most = most > largest[half] ? most : largest[half];
      const float base = most == no_score ? 0.0F : most;  // no token yet: 2^-infinity, not of NaN
      const float factor = fast_exp2(largest[half] - base);
      largest[half] = most;
      DNALM_UNROLL
      for (int n = 0; n < shape::keys / 4; ++n) {
        float& value = s[n / 2][2 * half + n % 2];
        value = fast_exp2(value - base);
      }
      sum[half] *= factor;
      DNALM_UNROLL
      for (int c = 0; c < W / 8; ++c) {
        d[c][2 * half] *= factor;
        d[c][2 * half + 1] *= factor;
      }
    }
  }
};

/// Sequences of more than `shortest` tokens.
template <int W>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(long_shape<W>::warps* warp_threads, W > 128 ? 1 : 2)
    attention_long_kernel(attention_work work, int shortest, half_rows all_q, half_rows all_k,
                          half_rows all_v, device_matrix<bfloat16> all_y) {
  using shape = long_shape<W>;
  const attention_pair pair = find_pair(work, {1, shape::warps, shape::keys});
  const int block_first = block_index().y * shape::rows;
  if (pair.length <= shortest || block_first >= pair.length) return;
  const score_rule rule(work, pair, log2_e);
  const half_rows k = pair.part(all_k, work.width);
  const half_rows v = pair.part(all_v, work.width);
  bfloat16* const shared = shared_memory<bfloat16>();
  const auto stage = [&](int step) {
    bfloat16* to = shared + step % 2 * shape::numbers;
    const int first = step * shape::keys;
    stage_halves<W>(k, first, shape::keys, W, thread_index(), block_threads(), to);
    stage_halves<W>(v, first, shape::keys, W, thread_index(), block_threads(), to + shape::numbers / 2);
    copy_commit();
  };
  const token_span steps = rule.near_blocks(block_first, block_first + shape::rows - 1, shape::keys);
  stage(steps.begin);
  long_queries<W> queries(rule, pair.part(all_q, work.width), block_first + pair.warp * fragment_rows);
  for (int step = steps.begin; step < steps.end; ++step) {
    if (step + 1 < steps.end) {
      stage(step + 1);
      copy_wait<1>();
    } else {
      copy_wait<0>();
    }
    sync_block();
    if (step >= queries.near.begin && step < queries.near.end) {
      queries.take(rule, step, shared + step % 2 * shape::numbers);
    }
    sync_block();  // before the next step but one takes this place
  }
  if (queries.first < pair.length) queries.store(pair.part(all_y, work.width));
}

/// Sequences of more than longest_short tokens.
inline void launch_attention_long(cuda_stream stream, const attention_work& work, int shortest, half_rows q,
                                  half_rows k, half_rows v, device_matrix<bfloat16> y) {
  with_head_width(work.width, [&](auto width) {
    constexpr int w = decltype(width)::value;
    using shape = long_shape<w>;
    const index_t parts = (index_t{work.longest} + shape::rows - 1) / shape::rows;
    launch(attention_long_kernel<w>, pairs_grid(work, {1, shape::warps, shape::keys}, parts),
           shape::warps * warp_threads, shape::bytes, stream, work, shortest, q, k, v, y);
  });
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
