// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/relative_attention.hpp: a warp per query (of the adjoint by
/// keys: per key), a lane per number on the other side.
#pragma once

#include <cmath>
#include <string>

#include <dnalm/core/error.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/relative_attention.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Warps of a block: each has a row of its own.
inline constexpr int relative_warps = 8;
/// Relative keys that a block needs for its own rows and 32 others.
inline constexpr int relative_rows = warp_threads + relative_warps - 1;

/// One head of one sequence, and what a block's own rows are.
struct relative_block {
  device_matrix<const float> q;
  device_matrix<const float> k;
  device_matrix<const float> v;
  device_relative_weights weights;
  int length;

  [[nodiscard]] DNALM_DEVICE int head() const { return block_index().y; }
  [[nodiscard]] DNALM_DEVICE index_t base() const { return index_t{block_index().z} * length; }
  [[nodiscard]] DNALM_DEVICE int first() const { return block_index().x * relative_warps; }
  [[nodiscard]] DNALM_DEVICE int own() const { return first() + warp(); }
  [[nodiscard]] DNALM_HD int key() const { return static_cast<int>(q.columns / weights.heads); }
  [[nodiscard]] DNALM_HD int value() const { return static_cast<int>(v.columns / weights.heads); }
  /// A head's numbers of row `i` of the sequence.
  [[nodiscard]] DNALM_DEVICE const float* row_of(const device_matrix<const float>& x, int i,
                                                 int width) const {
    return x.row_data(base() + i) + head() * width;
  }
  [[nodiscard]] DNALM_DEVICE const float* content_bias() const {
    return weights.content_bias.data + head() * key();
  }
  [[nodiscard]] DNALM_DEVICE const float* position_bias() const {
    return weights.position_bias.data + head() * key();
  }
  /// (s q + bias)[d].
  [[nodiscard]] DNALM_DEVICE float shifted(float query, float bias) const {
    return weights.scale * query + bias;
  }
};

/// The block's shared memory, handed out piece by piece.
struct shared_pieces {
  float* next;
  [[nodiscard]] DNALM_DEVICE float* take(int numbers) {
    float* const piece = next;
    next += numbers;
    return piece;
  }
};

/// Rows [begin, begin + rows) of `width` numbers side by side, one number apart; zeros for those outside of
/// [0, limit). All threads of the block take part.
DNALM_DEVICE void stage_rows(const float* row_0, index_t stride, int begin, int limit, int rows, int width,
                             float* to) {
  for (int i = thread_index(); i < rows * width; i += block_threads()) {
    const int r = i / width;
    const int c = i - r * width;
    const int row = begin + r;
    to[r * (width + 1) + c] = row >= 0 && row < limit ? row_0[row * stride + c] : 0.0F;
  }
}
DNALM_DEVICE void stage_keys(const relative_block& b, int begin, float* to) {
  stage_rows(b.row_of(b.k, 0, b.key()), b.k.stride, begin, b.length, warp_threads, b.key(), to);
}
/// The keys of distances from `begin` - (length - 1) on.
DNALM_DEVICE void stage_relative(const relative_block& b, int begin, float* to) {
  const auto& all = b.weights.positions;
  stage_rows(all.data + b.head() * b.key(), all.stride, begin, static_cast<int>(all.rows), relative_rows,
             b.key(), to);
}

/// (s q + u) k + (s q + v) R, one chain over the channels.
struct score_chain {
  float sum = 0.0F;
  DNALM_DEVICE void add(float content, float key, float position, float relative) {
    sum = std::fma(content, key, sum);
    sum = std::fma(position, relative, sum);
  }
};

/// What a softmax knows of the scores so far.
struct softmax_so_far {
  float largest = -INFINITY;
  float sum = 0.0F;

  /// Takes the scores of a warp's 32 keys, -infinity where there is none: the lane's exponential. What was
  /// added up before is to be multiplied by `factor`.
  [[nodiscard]] DNALM_DEVICE float take(float score, float& factor) {
    const float seen = warp_max(score == score ? score : -INFINITY);
    const float now = seen > largest ? seen : largest;
    factor = std::exp(largest - now);
    const float p = score == -INFINITY ? 0.0F : std::exp(score - now);
    sum = sum * factor + warp_sum(p);
    largest = now;
    return p;
  }
};

/// A block of queries and what it shares: queries with both biases, 32 keys, their relative keys.
struct query_tile {
  const relative_block& b;
  float* content;
  float* position;
  float* keys;
  float* relative;

  DNALM_DEVICE query_tile(const relative_block& block, shared_pieces& shared)
      : b(block),
        content(shared.take(relative_warps * block.key()) + warp() * block.key()),
        position(shared.take(relative_warps * block.key()) + warp() * block.key()),
        keys(shared.take(warp_threads * (block.key() + 1))),
        relative(shared.take(relative_rows * (block.key() + 1))) {
    const bool exists = b.own() < b.length;
    for (int d = lane(); d < b.key(); d += warp_threads) {
      const float query = exists ? b.row_of(b.q, b.own(), b.key())[d] : 0.0F;
      content[d] = b.shifted(query, b.content_bias()[d]);
      position[d] = b.shifted(query, b.position_bias()[d]);
    }
  }
  [[nodiscard]] static DNALM_HD index_t numbers(index_t key) {
    return 2 * relative_warps * key + (warp_threads + relative_rows) * (key + 1);
  }
  /// Brings keys [begin, begin + 32) and their relative keys; the caller syncs before and after.
  DNALM_DEVICE void stage(int begin) const {
    stage_keys(b, begin, keys);
    stage_relative(b, begin - (b.first() + relative_warps - 1) + b.length - 1, relative);
  }
  /// The relative key of the lane's key, or of that of lane t.
  [[nodiscard]] DNALM_DEVICE const float* relative_of(int t) const {
    return relative + (t + relative_warps - 1 - warp()) * (b.key() + 1);
  }
  [[nodiscard]] DNALM_DEVICE const float* key_of(int t) const { return keys + t * (b.key() + 1); }
  /// Of the lane's key; -infinity where there is none.
  [[nodiscard]] DNALM_DEVICE float score(int begin) const {
    score_chain chain;
    const float* key = key_of(lane());
    const float* other = relative_of(lane());
    for (int d = 0; d < b.key(); ++d) chain.add(content[d], key[d], position[d], other[d]);
    return begin + lane() < b.length ? chain.sum : -INFINITY;
  }
};

template <int Warps>
DNALM_KERNEL void relative_attention_kernel(relative_block b, device_matrix<float> y) {
  shared_pieces shared{shared_memory<float>()};
  const query_tile tile(b, shared);
  const int value = b.value();
  float* const p = shared.take(Warps * warp_threads) + warp() * warp_threads;
  float* const sums = shared.take(Warps * value) + warp() * value;
  for (int c = lane(); c < value; c += warp_threads) sums[c] = 0.0F;
  softmax_so_far softmax;
  for (int begin = 0; begin < b.length; begin += warp_threads) {
    sync_block();
    tile.stage(begin);
    sync_block();
    float factor = 0.0F;
    p[lane()] = softmax.take(tile.score(begin), factor);
    sync_warp();
    const int count = b.length - begin < warp_threads ? b.length - begin : warp_threads;
    for (int c = lane(); c < value; c += warp_threads) {
      float sum = sums[c] * factor;
      for (int t = 0; t < count; ++t) sum = std::fma(p[t], b.row_of(b.v, begin + t, value)[c], sum);
      sums[c] = sum;
    }
  }
  if (b.own() >= b.length) return;
  float* const to = y.row_data(b.base() + b.own()) + b.head() * value;
  for (int c = lane(); c < value; c += warp_threads) to[c] = sums[c] / softmax.sum;
}

/// Of a query and head: the largest score, the sum of exponentials, the mean of dy v by the probabilities.
struct query_numbers {
  float largest;
  float sum;
  float mean;
};
[[nodiscard]] DNALM_DEVICE float* numbers_of_query(const relative_block& b, const device_vector<float>& all,
                                                   int i) {
  return all.data + 3 * ((b.base() + i) * b.weights.heads + b.head());
}

/// The sum of a b over `count` numbers.
[[nodiscard]] DNALM_DEVICE float dot(const float* a, const float* b, int count) {
  float sum = 0.0F;
  for (int c = 0; c < count; ++c) sum = std::fma(a[c], b[c], sum);
  return sum;
}

/// A query's gradient by the logits needs dy_i v_j: values and the block's rows of dy beside the tile.
struct query_gradient_tile {
  const relative_block& b;
  float* values;
  float* dy;

  DNALM_DEVICE query_gradient_tile(const relative_block& block, const device_matrix<const float>& gradient,
                                   shared_pieces& shared)
      : b(block),
        values(shared.take(warp_threads * (block.value() + 1))),
        dy(shared.take(relative_warps * block.value()) + warp() * block.value()) {
    const bool exists = b.own() < b.length;
    for (int c = lane(); c < b.value(); c += warp_threads) {
      dy[c] = exists ? b.row_of(gradient, b.own(), b.value())[c] : 0.0F;
    }
  }
  DNALM_DEVICE void stage(int begin) const {
    stage_rows(b.row_of(b.v, 0, b.value()), b.v.stride, begin, b.length, warp_threads, b.value(), values);
  }
  [[nodiscard]] DNALM_DEVICE float product() const {
    return dot(dy, values + lane() * (b.value() + 1), b.value());
  }
};

/// The first pass over the keys.
[[nodiscard]] DNALM_DEVICE query_numbers read_keys(const query_tile& tile,
                                                   const query_gradient_tile& gradient) {
  softmax_so_far softmax;
  float mean = 0.0F;
  for (int begin = 0; begin < tile.b.length; begin += warp_threads) {
    sync_block();
    tile.stage(begin);
    gradient.stage(begin);
    sync_block();
    float factor = 0.0F;
    const float p = softmax.take(tile.score(begin), factor);
    mean = mean * factor + warp_sum(p * gradient.product());
  }
  return {softmax.largest, softmax.sum, mean / softmax.sum};
}

/// dq, and what the kernel by keys needs of every query.
template <int Warps>
DNALM_KERNEL void relative_queries_vjp_kernel(relative_block b, device_matrix<const float> dy,
                                              device_vector<float> numbers, device_matrix<float> dq) {
  shared_pieces shared{shared_memory<float>()};
  const query_tile tile(b, shared);
  const query_gradient_tile gradient(b, dy, shared);
  const int key = b.key();
  float* const g = shared.take(Warps * warp_threads) + warp() * warp_threads;
  float* const sums = shared.take(Warps * key) + warp() * key;
  const query_numbers found = read_keys(tile, gradient);
  for (int d = lane(); d < key; d += warp_threads) sums[d] = 0.0F;
  for (int begin = 0; begin < b.length; begin += warp_threads) {
    sync_block();
    tile.stage(begin);
    gradient.stage(begin);
    sync_block();
    const float score = tile.score(begin);
    const float p = score == -INFINITY ? 0.0F : std::exp(score - found.largest) / found.sum;
    g[lane()] = p * (gradient.product() - found.mean);
    sync_warp();
    for (int d = lane(); d < key; d += warp_threads) {
      float sum = sums[d];
      for (int t = 0; t < warp_threads; ++t) {
        sum = std::fma(g[t], tile.key_of(t)[d] + tile.relative_of(t)[d], sum);
      }
      sums[d] = sum;
    }
  }
  if (b.own() >= b.length) return;
  float* const to = dq.row_data(b.base() + b.own()) + b.head() * key;
  for (int d = lane(); d < key; d += warp_threads) to[d] = b.weights.scale * sums[d];
  if (lane() != 0) return;
  float* const kept = numbers_of_query(b, numbers, b.own());
  kept[0] = found.largest;
  kept[1] = found.sum;
  kept[2] = found.mean;
}

/// A block of keys and what it shares: its keys and values, 32 queries with their dy, their relative keys.
struct key_tile {
  const relative_block& b;
  float* keys;
  float* values;
  float* queries;
  float* relative;
  float* dys;

  DNALM_DEVICE key_tile(const relative_block& block, shared_pieces& shared)
      : b(block),
        keys(shared.take(relative_warps * block.key()) + warp() * block.key()),
        values(shared.take(relative_warps * block.value()) + warp() * block.value()),
        queries(shared.take(warp_threads * (block.key() + 1))),
        relative(shared.take(relative_rows * (block.key() + 1))),
        dys(shared.take(warp_threads * (block.value() + 1))) {
    const bool exists = b.own() < b.length;
    for (int d = lane(); d < b.key(); d += warp_threads) {
      keys[d] = exists ? b.row_of(b.k, b.own(), b.key())[d] : 0.0F;
    }
    for (int c = lane(); c < b.value(); c += warp_threads) {
      values[c] = exists ? b.row_of(b.v, b.own(), b.value())[c] : 0.0F;
    }
  }
  DNALM_DEVICE void stage(const device_matrix<const float>& dy, int begin) const {
    stage_rows(b.row_of(b.q, 0, b.key()), b.q.stride, begin, b.length, warp_threads, b.key(), queries);
    stage_rows(b.row_of(dy, 0, b.value()), dy.stride, begin, b.length, warp_threads, b.value(), dys);
    stage_relative(b, b.first() - (begin + warp_threads - 1) + b.length - 1, relative);
  }
  [[nodiscard]] DNALM_DEVICE const float* query_of(int t) const { return queries + t * (b.key() + 1); }
  [[nodiscard]] DNALM_DEVICE const float* dy_of(int t) const { return dys + t * (b.value() + 1); }
  /// Of the warp's key and the lane's query: the bits of query_tile.
  [[nodiscard]] DNALM_DEVICE float score() const {
    score_chain chain;
    const float* query = query_of(lane());
    const float* other = relative + (warp() - lane() + warp_threads - 1) * (b.key() + 1);
    for (int d = 0; d < b.key(); ++d) {
      chain.add(b.shifted(query[d], b.content_bias()[d]), keys[d], b.shifted(query[d], b.position_bias()[d]),
                other[d]);
    }
    return chain.sum;
  }
};

template <int Warps>
DNALM_KERNEL void relative_keys_vjp_kernel(relative_block b, device_matrix<const float> dy,
                                           device_vector<float> numbers, device_matrix<float> dk,
                                           device_matrix<float> dv) {
  shared_pieces shared{shared_memory<float>()};
  const key_tile tile(b, shared);
  const int key = b.key();
  const int value = b.value();
  float* const p = shared.take(Warps * warp_threads) + warp() * warp_threads;
  float* const g = shared.take(Warps * warp_threads) + warp() * warp_threads;
  float* const dkeys = shared.take(Warps * key) + warp() * key;
  float* const dvalues = shared.take(Warps * value) + warp() * value;
  for (int d = lane(); d < key; d += warp_threads) dkeys[d] = 0.0F;
  for (int c = lane(); c < value; c += warp_threads) dvalues[c] = 0.0F;
  for (int begin = 0; begin < b.length; begin += warp_threads) {
    sync_block();
    tile.stage(dy, begin);
    sync_block();
    const int i = begin + lane();
    p[lane()] = g[lane()] = 0.0F;
    if (i < b.length) {
      const float* const of = numbers_of_query(b, numbers, i);
      p[lane()] = std::exp(tile.score() - of[0]) / of[1];
      g[lane()] = p[lane()] * (dot(tile.dy_of(lane()), tile.values, value) - of[2]);
    }
    sync_warp();
    for (int d = lane(); d < key; d += warp_threads) {
      for (int t = 0; t < warp_threads; ++t) {
        dkeys[d] = std::fma(g[t], b.shifted(tile.query_of(t)[d], b.content_bias()[d]), dkeys[d]);
      }
    }
    for (int c = lane(); c < value; c += warp_threads) {
      for (int t = 0; t < warp_threads; ++t) dvalues[c] = std::fma(p[t], tile.dy_of(t)[c], dvalues[c]);
    }
  }
  if (b.own() >= b.length) return;
  float* const to_k = dk.row_data(b.base() + b.own()) + b.head() * key;
  float* const to_v = dv.row_data(b.base() + b.own()) + b.head() * value;
  for (int d = lane(); d < key; d += warp_threads) to_k[d] = dkeys[d];
  for (int c = lane(); c < value; c += warp_threads) to_v[c] = dvalues[c];
}

/// Numbers of shared memory of the three kernels.
[[nodiscard]] inline index_t relative_forward_numbers(index_t key, index_t value) {
  return query_tile::numbers(key) + relative_warps * (warp_threads + value);
}
[[nodiscard]] inline index_t relative_queries_numbers(index_t key, index_t value) {
  return query_tile::numbers(key) + warp_threads * (value + 1) +
         relative_warps * (value + warp_threads + key);
}
[[nodiscard]] inline index_t relative_keys_numbers(index_t key, index_t value) {
  return (warp_threads + relative_rows) * (key + 1) + warp_threads * (value + 1) +
         relative_warps * (2 * key + 2 * value + 2 * warp_threads);
}

/// Bytes, which every GPU from compute capability 8.0 on can give a block. \throws error
/// [dnalm.unsupported.690]
[[nodiscard]] inline index_t relative_shared_bytes(index_t numbers, const relative_block& b) {
  constexpr index_t most = index_t{99} * 1024;
  const index_t bytes = numbers * static_cast<index_t>(sizeof(float));
  if (bytes <= most) return bytes;
  throw error(error_kind::unsupported, 690, "heads of relative attention are too wide for the GPU's kernels",
              {.expected = "at most " + std::to_string(most) + " bytes of shared memory",
               .found = std::to_string(b.key()) + " key and " + std::to_string(b.value()) +
                        " value channels a head, which take " + std::to_string(bytes)});
}

[[nodiscard]] inline relative_block relative_block_of(device_matrix<const float> q,
                                                      device_matrix<const float> k,
                                                      device_matrix<const float> v,
                                                      const device_relative_weights& weights) {
  return {q, k, v, weights, static_cast<int>((weights.positions.rows + 1) / 2)};
}
/// A block for 8 rows of a head of a sequence.
[[nodiscard]] inline grid_size relative_grid(const relative_block& b) {
  return {.x = (b.length + relative_warps - 1) / relative_warps,
          .y = b.weights.heads,
          .z = b.length == 0 ? 0 : b.q.rows / b.length};
}

}  // namespace detail::gpu

DNALM_EMITTED void cuda_relative_attention(cuda_stream stream, device_matrix<const float> q,
                                           device_matrix<const float> k, device_matrix<const float> v,
                                           const device_relative_weights& weights, device_matrix<float> y) {
  namespace gpu = detail::gpu;
  const gpu::relative_block b = gpu::relative_block_of(q, k, v, weights);
  const index_t bytes = gpu::relative_shared_bytes(gpu::relative_forward_numbers(b.key(), b.value()), b);
  gpu::launch(gpu::relative_attention_kernel<gpu::relative_warps>, gpu::relative_grid(b),
              gpu::relative_warps * gpu::warp_threads, bytes, stream, b, y);
}

DNALM_EMITTED void cuda_relative_attention_vjp(cuda_stream stream, device_matrix<const float> q,
                                               device_matrix<const float> k, device_matrix<const float> v,
                                               const device_relative_weights& weights,
                                               device_matrix<const float> dy, device_vector<float> scratch,
                                               device_matrix<float> dq, device_matrix<float> dk,
                                               device_matrix<float> dv) {
  namespace gpu = detail::gpu;
  const gpu::relative_block b = gpu::relative_block_of(q, k, v, weights);
  const index_t by_queries = gpu::relative_shared_bytes(gpu::relative_queries_numbers(b.key(), b.value()), b);
  const index_t by_keys = gpu::relative_shared_bytes(gpu::relative_keys_numbers(b.key(), b.value()), b);
  const int threads = gpu::relative_warps * gpu::warp_threads;
  gpu::launch(gpu::relative_queries_vjp_kernel<gpu::relative_warps>, gpu::relative_grid(b), threads,
              by_queries, stream, b, dy, scratch, dq);
  gpu::launch(gpu::relative_keys_vjp_kernel<gpu::relative_warps>, gpu::relative_grid(b), threads, by_keys,
              stream, b, dy, scratch, dk, dv);
}

DNALM_END_NAMESPACE
