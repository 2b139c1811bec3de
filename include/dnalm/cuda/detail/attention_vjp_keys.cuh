// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Second pass of the adjoint of attention: gradients by keys and values, while the queries pass by.
#pragma once

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/attention_tiles.cuh>
#include <dnalm/cuda/detail/attention_vjp_softmax.cuh>
#include <dnalm/cuda/detail/device.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// What a warp knows of its keys. Its tiles: k and v; the blocks: q and dy. Products and scores stand
/// transposed: own rows are keys.
template <int W>
struct gradient_keys {
  using shape = tile_shape<W>;

  int first;
  token_span near;
  typename shape::sums dk;
  typename shape::sums dv;

  DNALM_DEVICE gradient_keys(const score_rule& rule, int first_key)
      : first(first_key), near(tile_blocks<W>(rule, first_key)) {
    clear_sums<W>(dk);
    clear_sums<W>(dv);
  }

  /// Adds a block of queries; `row` is the row of the sequence's first token.
  DNALM_DEVICE void take(const score_rule& rule, const tile_memory<W>& memory, int block,
                         const softmax_memory& kept, int head, index_t row) {
    const int count = block_count<W>(rule, block);
    typename shape::products p;
    typename shape::products ds;
    gradient_products<W>(rule, memory, first, block, p, ds);
    DNALM_UNROLL
    for (int g = 0; g < shape::groups; ++g) {
      const int query = block * shape::block_rows + shape::block_row(g);
      const kept_softmax softmax =
          query < rule.length ? kept.load(head, row + query) : kept_softmax{0.0F, 0.0F, 0.0F};
      DNALM_UNROLL
      for (int r = 0; r < shape::lane_rows; ++r) {
        p[r][g] = softmax.weight(p[r][g]);
        ds[r][g] = p[r][g] * (ds[r][g] - softmax.mean);
      }
    }
    keep_weights<W>(p, memory.weights);
    tile_sums<W>(memory.weights, memory.y, count, dv);
    keep_weights<W>(ds, memory.weights);
    tile_sums<W>(memory.weights, memory.x, count, dk);
  }

  template <class T>
  DNALM_DEVICE void store(const score_rule& rule, const device_matrix<T>& to_k,
                          const device_matrix<T>& to_v) const {
    float factor[shape::lane_rows];
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) factor[r] = 1.0F;
    store_sums<W, T>(dv, factor, first, to_v);
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) factor[r] = rule.scale;
    store_sums<W, T>(dk, factor, first, to_k);
  }
};

template <class T, int W>
DNALM_KERNEL void DNALM_LAUNCH_BOUNDS(most_tile_warps<W>(2) * warp_threads, 1)
    attention_vjp_keys_kernel(attention_work work, attention_teams teams, device_rows<T> all_q,
                              device_rows<T> all_k, device_rows<T> all_v, device_rows<T> all_dy,
                              softmax_memory kept, device_matrix<T> all_dk, device_matrix<T> all_dv) {
  using shape = tile_shape<W>;
  const attention_pair pair = find_pair(work, teams);
  const score_rule rule(work, pair);
  const auto memory = tile_memory<W>::of(2, teams, pair);
  const auto q = pair.part(all_q, work.width);
  const auto dy = pair.part(all_dy, work.width);
  const int team_first = block_index().y * teams.warps * shape::rows;
  gradient_keys<W> keys(rule, team_first + pair.warp * shape::rows);
  stage_tile<W, T>(pair.part(all_k, work.width), keys.first, memory.tiles);
  stage_tile<W, T>(pair.part(all_v, work.width), keys.first, memory.tiles + shape::tile_floats);
  const token_span blocks = team_blocks<W>(rule, teams, team_first);
  for (int block = blocks.begin; block < blocks.end; ++block) {
    sync_block();  // nobody reads the former block any more
    stage_block<W, T>(q, block, teams, pair, memory.x);
    stage_block<W, T>(dy, block, teams, pair, memory.y);
    sync_block();
    if (block < keys.near.begin || block >= keys.near.end) continue;
    keys.take(rule, memory, block, kept, pair.head, pair.first);
  }
  if (keys.first < pair.length) {
    keys.store(rule, pair.part(all_dk, work.width), pair.part(all_dv, work.width));
  }
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
