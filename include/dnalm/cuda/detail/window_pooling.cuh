// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/window_pooling.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/sequence_rows.cuh>
#include <dnalm/cuda/window_pooling.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// The rows of a sequence that its output i sees, of those that exist.
[[nodiscard]] DNALM_DEVICE row_span rows_seen(const row_window& window, const row_span& rows, index_t i) {
  const index_t first = rows.begin + i * window.stride - window.missing_before(rows.size());
  const index_t begin = first > rows.begin ? first : rows.begin;
  const index_t end = first + window.size < rows.end ? first + window.size : rows.end;
  return {begin, end > begin ? end : begin};
}

/// The outputs of a sequence that see its row number `place`; `rows` of the input, `outputs` of the output.
[[nodiscard]] DNALM_DEVICE row_span windows_of(const row_window& window, index_t place, index_t rows,
                                               index_t outputs) {
  const index_t reached = place + window.missing_before(rows);  // counted from the first window's first row
  const index_t past = reached - window.size + 1;
  const index_t first = past <= 0 ? 0 : (past + window.stride - 1) / window.stride;
  const index_t end = reached / window.stride + 1;
  return {first, end < outputs ? end : outputs};
}

/// What a mean is multiplied by.
[[nodiscard]] DNALM_DEVICE float mean_factor(const row_window& window, const row_span& seen) {
  const index_t count = window.counts_missing ? window.size : seen.size() > 1 ? seen.size() : 1;
  return 1.0F / static_cast<float>(count);
}

/// best[i] = the largest of the rows seen in channel c + i, from_row[i] = whether row r is the first that has
/// it.
template <int N>
DNALM_DEVICE void find_largest(const device_matrix<const float>& x, const row_span& seen, index_t r, int c,
                               int count, float (&best)[N], bool (&from_row)[N]) {
  load_numbers(x.row_data(seen.begin) + c, count, best);
  DNALM_UNROLL
  for (int i = 0; i < N; ++i) from_row[i] = r == seen.begin;
  for (index_t q = seen.begin + 1; q < seen.end; ++q) {
    float v[N];
    load_numbers(x.row_data(q) + c, count, v);
    DNALM_UNROLL
    for (int i = 0; i < N; ++i) {
      if (!(best[i] < v[i])) continue;
      best[i] = v[i];
      from_row[i] = q == r;
    }
  }
}

struct max_pool_rows {
  device_matrix<const float> x;
  device_resizing rows;
  row_window window;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const resized_row at = find_resized_row(rows.to, rows.from, r);
    const row_span seen = rows_seen(window, at.other, at.place);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float best[n];
      bool from_row[n];
      find_largest(x, seen, seen.begin, c, count, best, from_row);
      store_numbers(best, count, y.row_data(r) + c);
    });
  }
};

struct average_pool_rows {
  device_matrix<const float> x;
  device_resizing rows;
  row_window window;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const resized_row at = find_resized_row(rows.to, rows.from, r);
    const row_span seen = rows_seen(window, at.other, at.place);
    const float factor = mean_factor(window, seen);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float sum[n] = {};
      for (index_t q = seen.begin; q < seen.end; ++q) {
        float v[n];
        load_numbers(x.row_data(q) + c, count, v);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) sum[i] += v[i];
      }
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) sum[i] *= factor;
      store_numbers(sum, count, y.row_data(r) + c);
    });
  }
};

/// What a window's gradient u, in channels c ... c + count - 1, brings to the row r of those it sees: all of
/// it or nothing.
struct max_pool_share {
  device_matrix<const float> x;

  template <int N>
  DNALM_DEVICE void operator()(const row_span& seen, index_t r, int c, int count, float (&u)[N]) const {
    float best[N];
    bool from_row[N];
    find_largest(x, seen, r, c, count, best, from_row);
    DNALM_UNROLL
    for (int i = 0; i < N; ++i) u[i] = from_row[i] ? u[i] : 0.0F;
  }
};

/// To every row the same.
struct average_pool_share {
  row_window window;

  template <int N>
  DNALM_DEVICE void operator()(const row_span& seen, index_t, int, int, float (&u)[N]) const {
    const float factor = mean_factor(window, seen);
    DNALM_UNROLL
    for (int i = 0; i < N; ++i) u[i] *= factor;
  }
};

/// Row r of dx: the sum of what the windows that see it bring to it.
template <class Share>
struct window_vjp_rows {
  Share share;
  device_resizing rows;
  row_window window;
  device_matrix<const float> dy;
  device_matrix<float> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const resized_row at = find_resized_row(rows.from, rows.to, r);
    const row_span seeing = windows_of(window, at.place, at.own.size(), at.other.size());
    team.template for_each_part<n>(static_cast<int>(dx.columns), [&](int c, int count) {
      float sum[n] = {};
      for (index_t w = seeing.begin; w < seeing.end; ++w) {
        float u[n];
        load_numbers(dy.row_data(at.other.begin + w) + c, count, u);
        share(rows_seen(window, at.own, w), r, c, count, u);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) sum[i] += u[i];
      }
      store_numbers(sum, count, dx.row_data(r) + c);
    });
  }
};

/// A sequence is the row: its team goes twice through the sequence's rows.
struct sequence_max_vjp_rows {
  device_matrix<const float> x;
  device_vector<const index_t> offsets;
  device_matrix<const float> dy;
  device_matrix<float> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t s, row_team<Threads> team) const {
    const row_span rows = rows_of_sequence(offsets, s);
    for (int c = team.rank(); c < static_cast<int>(dx.columns); c += Threads) {
      index_t best = rows.begin;
      for (index_t r = rows.begin + 1; r < rows.end; ++r) best = x(best, c) < x(r, c) ? r : best;
      for (index_t r = rows.begin; r < rows.end; ++r) dx(r, c) = r == best ? dy(s, c) : 0.0F;
    }
  }
};

}  // namespace detail::gpu

DNALM_EMITTED void cuda_max_pool_rows(cuda_stream stream, device_matrix<const float> x,
                                      const device_resizing& rows, const row_window& window,
                                      device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::max_pool_rows{x, rows, window, y});
}

DNALM_EMITTED void cuda_max_pool_rows_vjp(cuda_stream stream, device_matrix<const float> x,
                                          const device_resizing& rows, const row_window& window,
                                          device_matrix<const float> dy, device_matrix<float> dx) {
  const detail::gpu::window_vjp_rows<detail::gpu::max_pool_share> kernel{{x}, rows, window, dy, dx};
  detail::gpu::launch_rows(stream, dx.rows, dx.columns, kernel);
}

DNALM_EMITTED void cuda_average_pool_rows(cuda_stream stream, device_matrix<const float> x,
                                          const device_resizing& rows, const row_window& window,
                                          device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::average_pool_rows{x, rows, window, y});
}

DNALM_EMITTED void cuda_average_pool_rows_vjp(cuda_stream stream, const device_resizing& rows,
                                              const row_window& window, device_matrix<const float> dy,
                                              device_matrix<float> dx) {
  const detail::gpu::window_vjp_rows<detail::gpu::average_pool_share> kernel{{window}, rows, window, dy, dx};
  detail::gpu::launch_rows(stream, dx.rows, dx.columns, kernel);
}

DNALM_EMITTED void cuda_sequence_max_vjp(cuda_stream stream, device_matrix<const float> x,
                                         device_vector<const index_t> offsets, device_matrix<const float> dy,
                                         device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dy.rows, dx.columns,
                           detail::gpu::sequence_max_vjp_rows{x, offsets, dy, dx});
}

DNALM_END_NAMESPACE
