// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/row_moves.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/sequence_rows.cuh>
#include <dnalm/cuda/row_moves.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// The row of the `rows.from` side that stands at the row of the `rows.to` side, or the other way round.
struct placed_rows {
  device_matrix<const float> x;
  device_resizing rows;
  row_placement placement;
  device_vector<const float> fill;
  bool back;  // y has the rows of `from`
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const resized_row at =
        back ? find_resized_row(rows.from, rows.to, r) : find_resized_row(rows.to, rows.from, r);
    const index_t before = back ? placement.rows_before(at.own.size(), at.other.size())
                                : placement.rows_before(at.other.size(), at.own.size());
    const index_t row = at.other.begin + at.place + (back ? before : -before);
    const bool found = at.other.holds(row);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n] = {};
      if (found) {
        load_numbers(x.row_data(row) + c, count, v);
      } else if (!fill.empty()) {
        load_numbers(fill.data + c, count, v);
      }
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

/// y[target] = x[r], or y[r] = x[target]: r a row of `rows.from`, target where it stands among `rows.to`.
struct joined_rows {
  device_matrix<const float> x;
  device_resizing rows;
  device_vector<const index_t> first;
  bool back;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const index_t s = sequence_of_row(rows.from, r);
    const index_t target = rows.to[s] + first[s] + r - rows.from[s];
    const float* source = x.row_data(back ? target : r);
    float* to = y.row_data(back ? r : target);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n];
      load_numbers(source + c, count, v);
      store_numbers(v, count, to + c);
    });
  }
};

/// Row r of the rows on one side, part of row r / length on the flat side. Of the two one is written.
struct flat_rows {
  device_matrix<const float> flat_in;  // data null: rows go into flat_out
  device_matrix<const float> rows_in;
  index_t length;
  bool by_channels;
  device_matrix<float> flat_out;
  device_matrix<float> rows_out;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const bool flattens = flat_in.data == nullptr;
    const index_t columns = flattens ? rows_in.columns : rows_out.columns;
    const index_t s = r / length;
    const index_t place = r - s * length;
    const index_t begin = by_channels ? place : place * columns;
    const index_t step = by_channels ? length : 1;
    for (index_t c = team.rank(); c < columns; c += Threads) {
      if (flattens) {
        flat_out(s, begin + c * step) = rows_in(r, c);
      } else {
        rows_out(r, c) = flat_in(s, begin + c * step);
      }
    }
  }
};

struct repeated_rows {
  device_matrix<const float> x;
  index_t factor;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const float* source = x.row_data(r / factor);
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n];
      load_numbers(source + c, count, v);
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

struct repeated_rows_vjp {
  device_matrix<const float> dy;
  index_t factor;
  device_matrix<float> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    team.template for_each_part<n>(static_cast<int>(dx.columns), [&](int c, int count) {
      float sum[n];
      load_numbers(dy.row_data(r * factor) + c, count, sum);
      for (index_t k = 1; k < factor; ++k) {
        float v[n];
        load_numbers(dy.row_data(r * factor + k) + c, count, v);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) sum[i] += v[i];
      }
      store_numbers(sum, count, dx.row_data(r) + c);
    });
  }
};

struct reversed_rows {
  device_matrix<const float> x;
  device_vector<const index_t> offsets;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const row_span rows = span_of_row(offsets, r);
    const index_t other = rows.begin + rows.end - 1 - r;
    for (index_t c = team.rank(); c < y.columns; c += Threads) y(r, c) = x(other, y.columns - 1 - c);
  }
};

}  // namespace detail::gpu

DNALM_EMITTED void cuda_place_rows(cuda_stream stream, device_matrix<const float> x,
                                   const device_resizing& rows, const row_placement& placement,
                                   device_vector<const float> fill, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns,
                           detail::gpu::placed_rows{x, rows, placement, fill, false, y});
}

DNALM_EMITTED void cuda_place_rows_vjp(cuda_stream stream, device_matrix<const float> dy,
                                       const device_resizing& rows, const row_placement& placement,
                                       device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns,
                           detail::gpu::placed_rows{dy, rows, placement, {}, true, dx});
}

DNALM_EMITTED void cuda_join_rows(cuda_stream stream, device_matrix<const float> x,
                                  const device_resizing& rows, device_vector<const index_t> first,
                                  device_matrix<float> y) {
  detail::gpu::launch_rows(stream, x.rows, y.columns, detail::gpu::joined_rows{x, rows, first, false, y});
}

DNALM_EMITTED void cuda_join_rows_vjp(cuda_stream stream, device_matrix<const float> dy,
                                      const device_resizing& rows, device_vector<const index_t> first,
                                      device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns, detail::gpu::joined_rows{dy, rows, first, true, dx});
}

DNALM_EMITTED void cuda_flatten_rows(cuda_stream stream, device_matrix<const float> x, index_t length,
                                     bool by_channels, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, x.rows, x.columns,
                           detail::gpu::flat_rows{{}, x, length, by_channels, y, {}});
}

DNALM_EMITTED void cuda_flatten_rows_vjp(cuda_stream stream, device_matrix<const float> dy, index_t length,
                                         bool by_channels, device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns,
                           detail::gpu::flat_rows{dy, {}, length, by_channels, {}, dx});
}

DNALM_EMITTED void cuda_repeat_rows(cuda_stream stream, device_matrix<const float> x, index_t factor,
                                    device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::repeated_rows{x, factor, y});
}

DNALM_EMITTED void cuda_repeat_rows_vjp(cuda_stream stream, device_matrix<const float> dy, index_t factor,
                                        device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns, detail::gpu::repeated_rows_vjp{dy, factor, dx});
}

DNALM_EMITTED void cuda_reverse_rows(cuda_stream stream, device_matrix<const float> x,
                                     device_vector<const index_t> offsets, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::reversed_rows{x, offsets, y});
}

DNALM_END_NAMESPACE
