// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Float arithmetic of a warp on a few own rows and a block of rows in shared memory.
///
/// The 32 lanes stand as 4 x 8: lane 8 a + b has the own rows [a R, (a + 1) R), R = tile_shape::lane_rows; of
/// a block it takes every eighth row from b on in products, every eighth group of four channels in sums.
#pragma once

#include <cmath>

#include <dnalm/core/platform.hpp>
#include <dnalm/cuda/detail/attention_pairs.cuh>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/rows.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Sizes for heads of up to W channels, chosen for the registers and shared memory they need.
template <int W>
struct tile_shape {
  static constexpr int lane_rows = W > 128 ? 2 : 4;
  static constexpr int rows = 4 * lane_rows;                              ///< of a warp's tile
  static constexpr int block_rows = W <= 64 ? 64 : (W <= 128 ? 32 : 16);  ///< of a block
  static constexpr int groups = block_rows / 8;                           ///< rows of a block per lane
  static constexpr int channels = W / 8;                                  ///< of a row per lane
  static constexpr int stride = W + 4;  ///< of rows in shared memory: eight of them meet all banks
  static constexpr int tile_floats = rows * stride;

  using products = float[lane_rows][groups];
  using sums = float[lane_rows][channels];

  [[nodiscard]] static DNALM_DEVICE int first_row() { return lane() / 8 * lane_rows; }
  /// Row of a block, and channel, that the lane's product g, its sum c belongs to.
  [[nodiscard]] static DNALM_DEVICE int block_row(int g) { return 8 * g + lane() % 8; }
  [[nodiscard]] static DNALM_DEVICE int channel(int c) { return c / 4 * 32 + lane() % 8 * 4 + c % 4; }
};

/// Floats of shared memory of a warp with some own tiles, of a team of warps.
template <int W>
[[nodiscard]] DNALM_HD constexpr int warp_floats(int own) {
  using shape = tile_shape<W>;
  return own * shape::tile_floats + shape::block_rows * shape::rows;
}
template <int W>
[[nodiscard]] DNALM_HD constexpr int team_floats(int own, const attention_teams& teams) {
  return 2 * teams.rows * tile_shape<W>::stride + teams.warps * warp_floats<W>(own);
}

/// Warps of a block, at most: what fits into the shared memory that every GPU gives a block.
template <int W>
[[nodiscard]] DNALM_HD constexpr int most_tile_warps(int own) {
  const int left = block_shared_bytes / 4 - 2 * tile_shape<W>::block_rows * tile_shape<W>::stride;
  const int warps = left / warp_floats<W>(own);
  return warps < 8 ? warps : 8;
}

/// Teams for sequences of up to `longest` tokens, each warp with some own tiles: several pairs share a block
/// only when one block of rows holds a sequence, so that all of them wait for each other equally often.
template <int W>
[[nodiscard]] attention_teams make_tile_teams(int own, int longest) {
  using shape = tile_shape<W>;
  const int tiles = (longest + shape::rows - 1) / shape::rows;
  const int most = most_tile_warps<W>(own);
  const int warps = tiles < most ? tiles : most;
  const int rows = longest < shape::block_rows ? (longest + 7) / 8 * 8 : shape::block_rows;
  attention_teams teams{1, warps, rows};
  if (longest > shape::block_rows) return teams;
  const int room = shared_pairs_bytes / (4 * team_floats<W>(own, teams));
  teams.pairs = room < most / warps ? room : most / warps;
  if (teams.pairs < 1) teams.pairs = 1;
  return teams;
}
/// Bytes of shared memory of a block, and the number of blocks for all tiles of a pair.
template <int W>
[[nodiscard]] index_t tile_bytes(int own, const attention_teams& teams) {
  return index_t{4} * teams.pairs * team_floats<W>(own, teams);
}
template <int W>
[[nodiscard]] index_t tile_parts(int longest, const attention_teams& teams) {
  const int rows = teams.warps * tile_shape<W>::rows;
  return (longest + rows - 1) / rows;
}

/// N floats that are read at once.
template <int N>
struct alignas(4 * N) float_pack {
  float values[N];
};
template <int N>
[[nodiscard]] DNALM_DEVICE const float_pack<N>& pack_at(const float* from) {
  return *reinterpret_cast<const float_pack<N>*>(from);
}

/// to(r, c) = from(first + r, c) for r < count, c < W, and 0 beyond the rows and channels of `from`. The work
/// of the threads `rank` of `threads`.
template <int W, class T>
DNALM_DEVICE void stage_floats(const matrix_view<const T, memory_space::device>& from, int first, int count,
                               int rank, int threads, float* to) {
  constexpr int n = pack_of<T>;
  for (int i = rank; i < count * (W / n); i += threads) {
    const int r = i / (W / n);
    const int c = i % (W / n) * n;
    const int left = first + r < static_cast<int>(from.rows) ? static_cast<int>(from.columns) - c : 0;
    const int there = left < 0 ? 0 : (left < n ? left : n);
    float v[n];
    load_numbers(there == 0 ? from.data : from.row_data(first + r) + c, there, v);
    float* place = to + r * tile_shape<W>::stride + c;
    DNALM_UNROLL
    for (int j = 0; j < n; ++j) place[j] = v[j];
  }
}

/// The tile of a warp from row `first` on; a block of rows by all threads of a team.
template <int W, class T>
DNALM_DEVICE void stage_tile(const matrix_view<const T, memory_space::device>& from, int first, float* to) {
  stage_floats<W, T>(from, first, tile_shape<W>::rows, lane(), warp_threads, to);
}
template <int W, class T>
DNALM_DEVICE void stage_block(const matrix_view<const T, memory_space::device>& from, int block,
                              const attention_teams& teams, const attention_pair& pair, float* to) {
  stage_floats<W, T>(from, block * tile_shape<W>::block_rows, teams.rows, pair.warp * warp_threads + lane(),
                     teams.warps * warp_threads, to);
}

/// s[r][g] = own row r . row g of the block, for the rows among the first `count`.
template <int W>
DNALM_DEVICE void tile_products(const float* own, const float* block, int count,
                                typename tile_shape<W>::products& s) {
  using shape = tile_shape<W>;
  const int groups = (count + 7) / 8;
  DNALM_UNROLL
  for (int r = 0; r < shape::lane_rows; ++r) {
    DNALM_UNROLL
    for (int g = 0; g < shape::groups; ++g) s[r][g] = 0.0F;
  }
  own += shape::first_row() * shape::stride;
  block += shape::block_row(0) * shape::stride;
  for (int c = 0; c < W; c += 4) {
    float_pack<4> a[shape::lane_rows];
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) a[r] = pack_at<4>(own + r * shape::stride + c);
    DNALM_UNROLL
    for (int g = 0; g < shape::groups; ++g) {
      if (g < groups) {
        const float_pack<4> b = pack_at<4>(block + 8 * g * shape::stride + c);
        DNALM_UNROLL
        for (int r = 0; r < shape::lane_rows; ++r) {
          DNALM_UNROLL
          for (int i = 0; i < 4; ++i) s[r][g] += a[r].values[i] * b.values[i];
        }
      }
    }
  }
}

/// Shared weights(row of the block, own row) = w[r][g], for tile_sums of the same warp.
template <int W>
DNALM_DEVICE void keep_weights(const typename tile_shape<W>::products& w, float* weights) {
  using shape = tile_shape<W>;
  sync_warp();  // nobody reads the former ones any more
  DNALM_UNROLL
  for (int g = 0; g < shape::groups; ++g) {
    float_pack<shape::lane_rows> part;
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) part.values[r] = w[r][g];
    *reinterpret_cast<float_pack<shape::lane_rows>*>(weights + shape::block_row(g) * shape::rows +
                                                     shape::first_row()) = part;
  }
  sync_warp();
}

/// y[r][c] += sum over the first `count` rows of the block of weights(row, r) block(row, c).
template <int W>
DNALM_DEVICE void tile_sums(const float* weights, const float* block, int count,
                            typename tile_shape<W>::sums& y) {
  using shape = tile_shape<W>;
  for (int j = 0; j < count; ++j) {
    const auto w = pack_at<shape::lane_rows>(weights + j * shape::rows + shape::first_row());
    DNALM_UNROLL
    for (int c = 0; c < shape::channels; c += 4) {
      const float_pack<4> b = pack_at<4>(block + j * shape::stride + shape::channel(c));
      DNALM_UNROLL
      for (int r = 0; r < shape::lane_rows; ++r) {
        DNALM_UNROLL
        for (int i = 0; i < 4; ++i) y[r][c + i] += w.values[r] * b.values[i];
      }
    }
  }
}

template <int W>
DNALM_DEVICE void clear_sums(typename tile_shape<W>::sums& y) {
  DNALM_UNROLL
  for (int r = 0; r < tile_shape<W>::lane_rows; ++r) {
    DNALM_UNROLL
    for (int c = 0; c < tile_shape<W>::channels; ++c) y[r][c] = 0.0F;
  }
}

/// to(first + r, c) = factor[r] y[r][c] for the rows and channels that `to` has.
template <int W, class T>
DNALM_DEVICE void store_sums(const typename tile_shape<W>::sums& y,
                             const float (&factor)[tile_shape<W>::lane_rows], int first,
                             const device_matrix<T>& to) {
  using shape = tile_shape<W>;
  DNALM_UNROLL
  for (int r = 0; r < shape::lane_rows; ++r) {
    const int row = first + shape::first_row() + r;
    if (row >= static_cast<int>(to.rows)) continue;
    DNALM_UNROLL
    for (int c = 0; c < shape::channels; c += 4) {
      const int left = static_cast<int>(to.columns) - shape::channel(c);
      T* place = to.row_data(row) + shape::channel(c);
      DNALM_UNROLL
      for (int i = 0; i < 4; ++i) {
        if (i < left) place[i] = to_stored<T>(factor[r] * y[r][c + i]);
      }
    }
  }
}

/// Sum, largest over the eight lanes that share own rows; the same bits in all of them.
[[nodiscard]] DNALM_DEVICE float lanes_sum(float value) {
  DNALM_UNROLL
  for (int mask = 4; mask > 0; mask /= 2) value += shuffle_xor(value, mask);
  return value;
}
[[nodiscard]] DNALM_DEVICE float lanes_max(float value) {
  DNALM_UNROLL
  for (int mask = 4; mask > 0; mask /= 2) {
    const float other = shuffle_xor(value, mask);
    value = other > value ? other : value;
  }
  return value;
}

/// Places in shared memory: a team has two blocks of rows, each of its warps `own` tiles and its weights.
template <int W>
struct tile_memory {
  using shape = tile_shape<W>;

  float* x;  ///< the team's blocks
  float* y;
  float* tiles;  ///< this warp's, one after another
  float* weights;

  [[nodiscard]] static DNALM_DEVICE tile_memory of(int own, const attention_teams& teams,
                                                   const attention_pair& pair) {
    float* x = shared_memory<float>() + pair.team * team_floats<W>(own, teams);
    float* tiles = x + 2 * teams.rows * shape::stride + pair.warp * warp_floats<W>(own);
    return {x, x + teams.rows * shape::stride, tiles, tiles + own * shape::tile_floats};
  }
};

/// Tokens of block `block` of a sequence: how many of it there are.
template <int W>
[[nodiscard]] DNALM_DEVICE int block_count(const score_rule& rule, int block) {
  const int left = rule.length - block * tile_shape<W>::block_rows;
  return left < tile_shape<W>::block_rows ? left : tile_shape<W>::block_rows;
}

/// Blocks that the tile of a warp meets; none beyond the sequence.
template <int W>
[[nodiscard]] DNALM_DEVICE token_span tile_blocks(const score_rule& rule, int first) {
  if (first >= rule.length) return {0, 0};
  return rule.near_blocks(first, first + tile_shape<W>::rows - 1, tile_shape<W>::block_rows);
}

/// Which blocks of rows the team of a pair goes through, its own rows beginning at `first`: at least one
/// round, because teams without work wait with the others.
template <int W>
[[nodiscard]] DNALM_DEVICE token_span team_blocks(const score_rule& rule, const attention_teams& teams,
                                                  int first) {
  using shape = tile_shape<W>;
  if (first >= rule.length) return {0, 1};
  const int last = first + teams.warps * shape::rows - 1;
  return rule.near_blocks(first, last < rule.length ? last : rule.length - 1, shape::block_rows);
}

/// Sums of a softmax whose scores come block by block, relative to the largest so far; per own row.
template <int W>
struct running_softmax {
  using shape = tile_shape<W>;

  float largest[shape::lane_rows];
  float sum[shape::lane_rows];  ///< this lane's part

  DNALM_DEVICE running_softmax() {
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) {
      largest[r] = no_score;
      sum[r] = 0.0F;
    }
  }
  /// Scores become exponentials; factor[r] is what sums so far are to be multiplied by.
  DNALM_DEVICE void take(typename shape::products& s, float (&factor)[shape::lane_rows]) {
    DNALM_UNROLL
    for (int r = 0; r < shape::lane_rows; ++r) {
      float most = s[r][0];
      DNALM_UNROLL
      for (int g = 1; g < shape::groups; ++g) most = s[r][g] > most ? s[r][g] : most;
      most = lanes_max(most);
      most = most > largest[r] ? most : largest[r];
      const float base = most == no_score ? 0.0F : most;  // no token yet: exp(-infinity), not of NaN
      factor[r] = std::exp(largest[r] - base);
      largest[r] = most;
      float part = 0.0F;
      DNALM_UNROLL
      for (int g = 0; g < shape::groups; ++g) {
        s[r][g] = std::exp(s[r][g] - base);
        part += s[r][g];
      }
      sum[r] = sum[r] * factor[r] + part;
    }
  }
};

/// Products of tokens first, first + 1, ... (own rows) and begin, begin + 1, ... (the block) become scores.
template <int W>
DNALM_DEVICE void score_products(const score_rule& rule, int first, int begin,
                                 typename tile_shape<W>::products& s) {
  using shape = tile_shape<W>;
  DNALM_UNROLL
  for (int r = 0; r < shape::lane_rows; ++r) {
    DNALM_UNROLL
    for (int g = 0; g < shape::groups; ++g) {
      s[r][g] = rule.score(s[r][g], first + shape::first_row() + r, begin + shape::block_row(g));
    }
  }
}

}  // namespace detail::gpu
DNALM_END_NAMESPACE
