// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/weighted_pooling.hpp.
#pragma once

#include <cmath>

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/sequence_rows.cuh>
#include <dnalm/cuda/weighted_pooling.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// The largest logit of each of N channels over some rows, and the sum of exp(logit - largest).
template <int N>
struct softmax_terms {
  float largest[N];
  float sum[N] = {};

  DNALM_DEVICE softmax_terms(const device_matrix<const float>& logits, const row_span& rows, int c,
                             int count) {
    load_numbers(logits.row_data(rows.begin) + c, count, largest);
    float v[N];
    for (index_t r = rows.begin + 1; r < rows.end; ++r) {
      load_numbers(logits.row_data(r) + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < N; ++i) largest[i] = largest[i] < v[i] ? v[i] : largest[i];
    }
    for (index_t r = rows.begin; r < rows.end; ++r) {
      load_numbers(logits.row_data(r) + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < N; ++i) sum[i] += std::exp(v[i] - largest[i]);
    }
  }
  /// w[i] = the weight of row r.
  DNALM_DEVICE void weigh(const device_matrix<const float>& logits, index_t r, int c, int count,
                          float (&w)[N]) const {
    load_numbers(logits.row_data(r) + c, count, w);
    DNALM_UNROLL
    for (int i = 0; i < N; ++i) w[i] = std::exp(w[i] - largest[i]) / sum[i];
  }
};

/// The rows that output row r pools.
[[nodiscard]] DNALM_DEVICE row_span pooled_rows(const device_resizing& rows, index_t size, index_t r) {
  const resized_row at = find_resized_row(rows.to, rows.from, r);
  const index_t begin = at.other.begin + at.place * size;
  return {begin, begin + size < at.other.end ? begin + size : at.other.end};
}

/// sum = the weighted sum over the rows.
template <int N>
DNALM_DEVICE void weighted_sum(const softmax_terms<N>& terms, const device_matrix<const float>& x,
                               const device_matrix<const float>& logits, const row_span& rows, int c,
                               int count, float (&sum)[N]) {
  for (index_t r = rows.begin; r < rows.end; ++r) {
    float w[N];
    float v[N];
    terms.weigh(logits, r, c, count, w);
    load_numbers(x.row_data(r) + c, count, v);
    DNALM_UNROLL
    for (int i = 0; i < N; ++i) sum[i] = std::fma(w[i], v[i], sum[i]);
  }
}

struct softmax_pool_rows {
  device_matrix<const float> x;
  device_matrix<const float> logits;
  device_resizing rows;
  index_t size;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const row_span pooled = pooled_rows(rows, size, r);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      const softmax_terms<n> terms(logits, pooled, c, count);
      float sum[n] = {};
      weighted_sum(terms, x, logits, pooled, c, count, sum);
      store_numbers(sum, count, y.row_data(r) + c);
    });
  }
};

/// An output row is the row: it writes all that it pools.
struct softmax_pool_vjp_rows {
  device_matrix<const float> x;
  device_matrix<const float> logits;
  device_resizing rows;
  index_t size;
  device_matrix<const float> dy;
  device_matrix<float> dx;
  device_matrix<float> dlogits;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const row_span pooled = pooled_rows(rows, size, r);
    team.template for_each_part<n>(static_cast<int>(dx.columns), [&](int c, int count) {
      const softmax_terms<n> terms(logits, pooled, c, count);
      float y[n] = {};
      weighted_sum(terms, x, logits, pooled, c, count, y);
      float u[n];
      load_numbers(dy.row_data(r) + c, count, u);
      for (index_t q = pooled.begin; q < pooled.end; ++q) {
        float w[n];
        float v[n];
        terms.weigh(logits, q, c, count, w);
        load_numbers(x.row_data(q) + c, count, v);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) {
          v[i] = w[i] * (v[i] - y[i]) * u[i];
          w[i] *= u[i];
        }
        store_numbers(v, count, dlogits.row_data(q) + c);
        store_numbers(w, count, dx.row_data(q) + c);
      }
    });
  }
};

/// The largest number of a row, NaN left out, and the first column that has it.
struct largest_number {
  float value;
  int column;
};
template <int Threads>
[[nodiscard]] DNALM_DEVICE largest_number largest_of_row(row_team<Threads> team, const float* row,
                                                         int columns) {
  float own = -INFINITY;
  for (int k = team.rank(); k < columns; k += Threads) own = row[k] > own ? row[k] : own;
  const float value = team.max(own);
  float first = -static_cast<float>(columns);  // of its column, a negative number: fewer than 2^24 columns
  for (int k = team.rank(); k < columns; k += Threads) {
    if (row[k] == value && -static_cast<float>(k) > first) first = -static_cast<float>(k);
  }
  return {value, static_cast<int>(-team.max(first))};
}

/// weights[r] = the largest number of row r of the mask.
struct mask_weights_rows {
  device_matrix<const float> mask;
  device_vector<float> weights;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const largest_number found = largest_of_row(team, mask.row_data(r), static_cast<int>(mask.columns));
    if (team.rank() == 0) weights[r] = found.value;
  }
};

/// factors[s] = 1 / n.
struct mask_factors_rows {
  device_vector<const float> weights;
  device_vector<const index_t> offsets;
  device_vector<float> factors;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t s, row_team<Threads> team) const {
    const row_span rows = rows_of_sequence(offsets, s);
    float own = 0.0F;
    for (index_t r = rows.begin + team.rank(); r < rows.end; r += Threads) own += weights[r];
    const float sum = team.sum(own);
    if (team.rank() == 0) factors[s] = 1.0F / (sum < 1e-7F ? 1e-7F : sum);
  }
};

/// A sequence is the row.
struct masked_mean_rows {
  device_matrix<const float> x;
  device_vector<const float> weights;
  device_vector<const float> factors;
  device_vector<const index_t> offsets;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t s, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const row_span rows = rows_of_sequence(offsets, s);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float sum[n] = {};
      for (index_t r = rows.begin; r < rows.end; ++r) {
        float v[n];
        load_numbers(x.row_data(r) + c, count, v);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) sum[i] = std::fma(weights[r], v[i], sum[i]);
      }
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) sum[i] *= factors[s];
      store_numbers(sum, count, y.row_data(s) + c);
    });
  }
};

struct masked_mean_vjp_rows {
  device_matrix<const float> x;
  device_matrix<const float> mask;
  device_matrix<const float> y;
  device_vector<const float> factors;
  device_vector<const index_t> offsets;
  device_matrix<const float> dy;
  device_matrix<float> dx;
  device_matrix<float> dmask;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const index_t s = sequence_of_row(offsets, r);
    const largest_number found = largest_of_row(team, mask.row_data(r), static_cast<int>(mask.columns));
    const float factor = factors[s];
    float own = 0.0F;
    for (index_t c = team.rank(); c < x.columns; c += Threads) {
      dx(r, c) = found.value * dy(s, c) * factor;
      own = std::fma(dy(s, c), x(r, c) - y(s, c), own);
    }
    const float sum = team.sum(own) * factor;
    for (int k = team.rank(); k < static_cast<int>(dmask.columns); k += Threads) {
      dmask(r, k) = k == found.column ? sum : 0.0F;
    }
  }
};

/// Both parts of the scratch of a masked mean, filled: weights by row, factors by sequence.
struct mask_numbers {
  device_vector<const float> weights;
  device_vector<const float> factors;
};
[[nodiscard]] inline mask_numbers weigh_mask(cuda_stream stream, device_matrix<const float> mask,
                                             device_vector<const index_t> offsets,
                                             device_vector<float> scratch) {
  const index_t sequences = offsets.size - 1;
  const device_vector<float> weights{scratch.data, mask.rows};
  const device_vector<float> factors{scratch.data + mask.rows, sequences};
  launch_rows(stream, mask.rows, mask.columns, mask_weights_rows{mask, weights});
  launch_rows(stream, sequences, index_t{1}, mask_factors_rows{weights, offsets, factors});
  return {weights, factors};
}

}  // namespace detail::gpu

DNALM_EMITTED void cuda_softmax_pool_rows(cuda_stream stream, device_matrix<const float> x,
                                          device_matrix<const float> logits, const device_resizing& rows,
                                          index_t size, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns,
                           detail::gpu::softmax_pool_rows{x, logits, rows, size, y});
}

DNALM_EMITTED void cuda_softmax_pool_rows_vjp(cuda_stream stream, device_matrix<const float> x,
                                              device_matrix<const float> logits, const device_resizing& rows,
                                              index_t size, device_matrix<const float> dy,
                                              device_matrix<float> dx, device_matrix<float> dlogits) {
  detail::gpu::launch_rows(stream, dy.rows, dy.columns,
                           detail::gpu::softmax_pool_vjp_rows{x, logits, rows, size, dy, dx, dlogits});
}

DNALM_EMITTED void cuda_masked_mean(cuda_stream stream, device_matrix<const float> x,
                                    device_matrix<const float> mask, device_vector<const index_t> offsets,
                                    device_vector<float> scratch, device_matrix<float> y) {
  const auto [weights, factors] = detail::gpu::weigh_mask(stream, mask, offsets, scratch);
  detail::gpu::launch_rows(stream, y.rows, y.columns,
                           detail::gpu::masked_mean_rows{x, weights, factors, offsets, y});
}

DNALM_EMITTED void cuda_masked_mean_vjp(cuda_stream stream, device_matrix<const float> x,
                                        device_matrix<const float> mask, device_matrix<const float> y,
                                        device_vector<const index_t> offsets, device_matrix<const float> dy,
                                        device_vector<float> scratch, device_matrix<float> dx,
                                        device_matrix<float> dmask) {
  const auto [weights, factors] = detail::gpu::weigh_mask(stream, mask, offsets, scratch);
  detail::gpu::launch_rows(stream, x.rows, x.columns > mask.columns ? x.columns : mask.columns,
                           detail::gpu::masked_mean_vjp_rows{x, mask, y, factors, offsets, dy, dx, dmask});
}

DNALM_END_NAMESPACE
