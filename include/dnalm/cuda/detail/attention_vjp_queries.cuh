// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief First pass of the adjoint of attention: gradients by the queries. The keys pass by twice: for the
/// sums of the softmax, then for the gradients.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/attention_tiles.cuh>
#include <dnalm/cuda/detail/attention_vjp_softmax.cuh>
#include <dnalm/cuda/detail/device.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// What a warp knows of its queries. Its tiles: q and dy; the blocks: k and v.
template <int W>
struct gradient_queries {
  using shape = tile_shape<W>;

  int first;
  token_span near;
  running_softmax<W> sums;
  float weighted[shape::lane_rows];  ///< sum of exponentials times dp: this lane's part
  kept_softmax softmax[shape::lane_rows];
  typename shape::sums dq;

  DNALM_DEVICE gradient_queries(const score_rule& rule, int first_query)
      : first(first_query), near(tile_blocks<W>(rule, first_query)) {
    clear_sums<W>(dq);
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) weighted[r] = 0.0F;
  }

  DNALM_DEVICE void take_softmax(const score_rule& rule, const tile_memory<W>& memory, int block) {
    typename shape::products s;
    typename shape::products dp;
    float factor[shape::lane_rows];
    gradient_products<W>(rule, memory, first, block, s, dp);
    sums.take(s, factor);
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) {
      float part = 0.0F;
      DNALM_UNROLL
      for (int g = 0; g < shape::groups; ++g) part += s[r][g] * dp[r][g];
      weighted[r] = weighted[r] * factor[r] + part;
    }
  }
  /// After the last block.
  DNALM_DEVICE void finish_softmax() {
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) {
      const float inverse = 1.0F / lanes_sum(sums.sum[r]);
      softmax[r] = {sums.largest[r], inverse, lanes_sum(weighted[r]) * inverse};
    }
  }
  DNALM_DEVICE void take_gradient(const score_rule& rule, const tile_memory<W>& memory, int block) {
    typename shape::products s;
    typename shape::products dp;
    gradient_products<W>(rule, memory, first, block, s, dp);
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) {
      DNALM_UNROLL
      for (int g = 0; g < shape::groups; ++g) {
        s[r][g] = softmax[r].weight(s[r][g]) * (dp[r][g] - softmax[r].mean);
      }
    }
    keep_weights<W>(s, memory.weights);
    tile_sums<W>(memory.weights, memory.x, block_count<W>(rule, block), dq);
  }

  /// The gradients, and for the second pass the softmaxes of `row`, the first query's row, and those after.
  template <class T>
  DNALM_DEVICE void store(const score_rule& rule, const device_matrix<T>& to, const softmax_memory& kept,
                          int head, index_t row) const {
    float factor[shape::lane_rows];
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) {
      factor[r] = rule.scale;
      const int place = shape::first_row() + r;
      if (first + place < rule.length && lane() % 8 == 0) kept.store(head, row + place, softmax[r]);
    }
    store_sums<W, T>(dq, factor, first, to);
  }
};

template <class T, int W>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(most_tile_warps<W>(2) * warp_threads, 1)
    attention_vjp_queries_kernel(attention_work work, attention_teams teams, device_rows<T> all_q,
                                 device_rows<T> all_k, device_rows<T> all_v, device_rows<T> all_dy,
                                 softmax_memory kept, device_matrix<T> all_dq) {
  using shape = tile_shape<W>;
  const attention_pair pair = find_pair(work, teams);
  const score_rule rule(work, pair);
  const auto memory = tile_memory<W>::of(2, teams, pair);
  const auto k = pair.part(all_k, work.width);
  const auto v = pair.part(all_v, work.width);
  const int team_first = block_index().y * teams.warps * shape::rows;
  gradient_queries<W> queries(rule, team_first + pair.warp * shape::rows);
  stage_tile<W, T>(pair.part(all_q, work.width), queries.first, memory.tiles);
  stage_tile<W, T>(pair.part(all_dy, work.width), queries.first, memory.tiles + shape::tile_floats);
  const token_span blocks = team_blocks<W>(rule, teams, team_first);
  for (int sweep = 0; sweep < 2; ++sweep) {
    if (sweep == 1) queries.finish_softmax();
    for (int block = blocks.begin; block < blocks.end; ++block) {
      sync_block();  // nobody reads the former block any more
      if (sweep == 0 || blocks.end - blocks.begin > 1) {
        stage_block<W, T>(k, block, teams, pair, memory.x);
        stage_block<W, T>(v, block, teams, pair, memory.y);
      }
      sync_block();
      if (block < queries.near.begin || block >= queries.near.end) continue;
      if (sweep == 0) {
        queries.take_softmax(rule, memory, block);
      } else {
        queries.take_gradient(rule, memory, block);
      }
    }
  }
  if (queries.first < pair.length) {
    queries.store(rule, pair.part(all_dq, work.width), kept, pair.head, pair.first + queries.first);
  }
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
