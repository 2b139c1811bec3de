// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Attention in float arithmetic: a warp has some queries, its team the keys and values, block by
/// block.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/attention_tiles.cuh>
#include <dnalm/cuda/detail/device.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// What a warp knows of its queries while the blocks of keys pass by.
template <int W>
struct exact_queries {
  using shape = tile_shape<W>;

  int first;        ///< the first query's place in the sequence
  token_span near;  ///< blocks of keys that these queries meet
  running_softmax<W> softmax;
  typename shape::sums sums;

  DNALM_DEVICE exact_queries(const score_rule& rule, int first_query) : first(first_query), near{0, 0} {
    clear_sums<W>(sums);
    if (first < rule.length) near = rule.near_blocks(first, first + shape::rows - 1, shape::block_rows);
  }

  /// Adds a block of keys and values.
  DNALM_DEVICE void take(const score_rule& rule, const tile_memory<W>& memory, int block) {
    const int count = block_count<W>(rule, block);
    typename shape::products s;
    float factor[shape::lane_rows];
    tile_products<W>(memory.tiles, memory.x, count, s);
    score_products<W>(rule, first, block * shape::block_rows, s);
    softmax.take(s, factor);
    keep_weights<W>(s, memory.weights);
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) {
      DNALM_UNROLL
      for (int c = 0; c < shape::channels; ++c) sums[r][c] *= factor[r];
    }
    tile_sums<W>(memory.weights, memory.y, count, sums);
  }

  template <class T>
  DNALM_DEVICE void store(const device_matrix<T>& y) {
    float factor[shape::lane_rows];
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) factor[r] = 1.0F / lanes_sum(softmax.sum[r]);
    store_sums<W, T>(sums, factor, first, y);
  }
};

template <class T, int W>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(most_tile_warps<W>(1) * warp_threads, 2)
    attention_exact_kernel(attention_work work, attention_teams teams, device_rows<T> all_q,
                           device_rows<T> all_k, device_rows<T> all_v, device_matrix<T> all_y) {
  using shape = tile_shape<W>;
  const attention_pair pair = find_pair(work, teams);
  const score_rule rule(work, pair);
  const auto memory = tile_memory<W>::of(1, teams, pair);
  const auto k = pair.part(all_k, work.width);
  const auto v = pair.part(all_v, work.width);
  const int team_first = block_index().y * teams.warps * shape::rows;
  exact_queries<W> queries(rule, team_first + pair.warp * shape::rows);
  stage_tile<W, T>(pair.part(all_q, work.width), queries.first, memory.tiles);
  const token_span blocks = team_blocks<W>(rule, teams, team_first);
  for (int block = blocks.begin; block < blocks.end; ++block) {
    sync_block();  // nobody reads the former block any more
    stage_block<W, T>(k, block, teams, pair, memory.x);
    stage_block<W, T>(v, block, teams, pair, memory.y);
    sync_block();
    if (block >= queries.near.begin && block < queries.near.end) queries.take(rule, memory, block);
  }
  if (queries.first < pair.length) queries.store(pair.part(all_y, work.width));
}

template <class T>
void launch_attention_exact(cuda_stream stream, const attention_work& work, device_rows<T> q,
                            device_rows<T> k, device_rows<T> v, device_matrix<T> y) {
  with_head_width(work.width, [&](auto width) {
    constexpr int w = decltype(width)::value;
    const attention_teams teams = make_tile_teams<w>(1, work.longest);
    launch(attention_exact_kernel<T, w>, pairs_grid(work, teams, tile_parts<w>(work.longest, teams)),
           teams.pairs * teams.warps * warp_threads, tile_bytes<w>(1, teams), stream, work, teams, q, k, v,
           y);
  });
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
