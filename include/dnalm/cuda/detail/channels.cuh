// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/channels.hpp.
#pragma once

#include <cmath>

#include <dnalm/cuda/channels.hpp>
#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/mapped_rows.cuh>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/detail/sequence_rows.cuh>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

struct channel_scale_rows {
  device_matrix<const float> x;
  device_vector<const float> scale;
  device_vector<const float> shift;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float v[n];
      float f[n];
      load_numbers(x.row_data(r) + c, count, v);
      load_numbers(scale.data + c, count, f);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) v[i] *= f[i];
      if (!shift.empty()) {
        load_numbers(shift.data + c, count, f);
        DNALM_UNROLL
        for (int i = 0; i < n; ++i) v[i] += f[i];
      }
      store_numbers(v, count, y.row_data(r) + c);
    });
  }
};

struct above_threshold {
  static constexpr int operands = 1;
  float threshold;
  float value;
  [[nodiscard]] DNALM_DEVICE float operator()(float x) const { return x <= threshold ? value : x; }
};
struct above_threshold_vjp {
  static constexpr int operands = 2;
  float threshold;
  [[nodiscard]] DNALM_DEVICE float operator()(float x, float dy) const { return x <= threshold ? 0.0F : dy; }
};

/// sum += a b by elements, of numbers at two places.
template <int N>
DNALM_DEVICE void add_products(const float* a, const float* b, int count, float (&sum)[N]) {
  float u[N];
  float v[N];
  load_numbers(a, count, u);
  load_numbers(b, count, v);
  DNALM_UNROLL
  for (int i = 0; i < N; ++i) sum[i] = std::fma(u[i], v[i], sum[i]);
}

struct depthwise_rows {
  device_matrix<const float> x;
  device_resizing rows;
  device_matrix<const float> w;
  device_vector<const float> bias;
  convolution_taps taps;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const resized_row at = find_resized_row(rows.to, rows.from, r);
    const index_t read = at.other.begin + at.place * taps.stride;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float sum[n] = {};
      if (!bias.empty()) load_numbers(bias.data + c, count, sum);
      for (index_t t = 0; t < taps.taps; ++t) {
        const index_t row = read + taps.offset(t);
        if (at.other.holds(row)) add_products(x.row_data(row) + c, w.row_data(t) + c, count, sum);
      }
      store_numbers(sum, count, y.row_data(r) + c);
    });
  }
};

struct depthwise_vjp_rows {
  device_matrix<const float> dy;
  device_resizing rows;
  device_matrix<const float> w;
  convolution_taps taps;
  device_matrix<float> dx;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const resized_row at = find_resized_row(rows.from, rows.to, r);
    team.template for_each_part<n>(static_cast<int>(dx.columns), [&](int c, int count) {
      float sum[n] = {};
      for (index_t t = 0; t < taps.taps; ++t) {
        const index_t steps = at.place - taps.offset(t);
        if (steps < 0 || steps % taps.stride != 0) continue;
        const index_t row = at.other.begin + steps / taps.stride;
        if (at.other.holds(row)) add_products(dy.row_data(row) + c, w.row_data(t) + c, count, sum);
      }
      store_numbers(sum, count, dx.row_data(r) + c);
    });
  }
};

/// y[r] = x[r] g[row of it]: by place in the sequence, or by sequence.
struct weighed_rows {
  device_matrix<const float> x;
  device_matrix<const float> g;
  device_vector<const index_t> offsets;  // empty: row r mod g.rows
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const float* weights = g.row_data(offsets.empty() ? r % g.rows : sequence_of_row(offsets, r));
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float u[n];
      float v[n];
      load_numbers(x.row_data(r) + c, count, u);
      load_numbers(weights + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) u[i] *= v[i];
      store_numbers(u, count, y.row_data(r) + c);
    });
  }
};

/// y[i] = sum over j of w[i, j] x[j] (of the adjoint w[j, i]) in sequences of `made` rows of y, `read` of x.
struct projected_rows {
  device_matrix<const float> x;
  device_matrix<const float> w;
  bool back;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const index_t made = back ? w.columns : w.rows;
    const index_t read = back ? w.rows : w.columns;
    const index_t s = r / made;
    const index_t i = r - s * made;
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float sum[n] = {};
      for (index_t j = 0; j < read; ++j) {
        const float factor = back ? w(j, i) : w(i, j);
        if (factor == 0.0F) continue;
        float v[n];
        load_numbers(x.row_data(s * read + j) + c, count, v);
        DNALM_UNROLL
        for (int k = 0; k < n; ++k) sum[k] = std::fma(factor, v[k], sum[k]);
      }
      store_numbers(sum, count, y.row_data(r) + c);
    });
  }
};

/// A sequence is the row.
struct sequence_products_rows {
  device_matrix<const float> x;
  device_vector<const index_t> offsets;
  device_matrix<const float> dy;
  device_matrix<float> dg;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t s, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const row_span rows = rows_of_sequence(offsets, s);
    team.template for_each_part<n>(static_cast<int>(dg.columns), [&](int c, int count) {
      float sum[n] = {};
      for (index_t r = rows.begin; r < rows.end; ++r) {
        add_products(dy.row_data(r) + c, x.row_data(r) + c, count, sum);
      }
      store_numbers(sum, count, dg.row_data(s) + c);
    });
  }
};

struct add_sequences_rows {
  device_matrix<const float> g;
  device_vector<const index_t> offsets;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    constexpr int n = pack_of<float>;
    const float* added = g.row_data(sequence_of_row(offsets, r));
    team.template for_each_part<n>(static_cast<int>(y.columns), [&](int c, int count) {
      float u[n];
      float v[n];
      load_numbers(y.row_data(r) + c, count, u);
      load_numbers(added + c, count, v);
      DNALM_UNROLL
      for (int i = 0; i < n; ++i) u[i] += v[i];
      store_numbers(u, count, y.row_data(r) + c);
    });
  }
};

}  // namespace detail::gpu

DNALM_EMITTED void cuda_scale_channels(cuda_stream stream, device_matrix<const float> x,
                                       device_vector<const float> scale, device_vector<const float> shift,
                                       device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::channel_scale_rows{x, scale, shift, y});
}

DNALM_EMITTED void cuda_threshold_rows(cuda_stream stream, device_matrix<const float> x, float threshold,
                                       float value, device_matrix<float> y) {
  detail::gpu::launch_mapped<float>(stream, x, {}, detail::gpu::above_threshold{threshold, value}, y);
}

DNALM_EMITTED void cuda_threshold_rows_vjp(cuda_stream stream, device_matrix<const float> x, float threshold,
                                           device_matrix<const float> dy, device_matrix<float> dx) {
  detail::gpu::launch_mapped<float>(stream, x, dy, detail::gpu::above_threshold_vjp{threshold}, dx);
}

DNALM_EMITTED void cuda_depthwise_convolution(cuda_stream stream, device_matrix<const float> x,
                                              const device_resizing& rows, device_matrix<const float> w,
                                              device_vector<const float> bias, const convolution_taps& taps,
                                              device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::depthwise_rows{x, rows, w, bias, taps, y});
}

DNALM_EMITTED void cuda_depthwise_convolution_vjp(cuda_stream stream, device_matrix<const float> dy,
                                                  const device_resizing& rows, device_matrix<const float> w,
                                                  const convolution_taps& taps, device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns,
                           detail::gpu::depthwise_vjp_rows{dy, rows, w, taps, dx});
}

DNALM_EMITTED void cuda_weigh_positions(cuda_stream stream, device_matrix<const float> x,
                                        device_matrix<const float> w, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::weighed_rows{x, w, {}, y});
}

DNALM_EMITTED void cuda_project_positions(cuda_stream stream, device_matrix<const float> x,
                                          device_matrix<const float> w, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::projected_rows{x, w, false, y});
}

DNALM_EMITTED void cuda_project_positions_vjp(cuda_stream stream, device_matrix<const float> dy,
                                              device_matrix<const float> w, device_matrix<float> dx) {
  detail::gpu::launch_rows(stream, dx.rows, dx.columns, detail::gpu::projected_rows{dy, w, true, dx});
}

DNALM_EMITTED void cuda_multiply_sequences(cuda_stream stream, device_matrix<const float> x,
                                           device_matrix<const float> g, device_vector<const index_t> offsets,
                                           device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::weighed_rows{x, g, offsets, y});
}

DNALM_EMITTED void cuda_multiply_sequences_vjp(cuda_stream stream, device_matrix<const float> x,
                                               device_vector<const index_t> offsets,
                                               device_matrix<const float> dy, device_matrix<float> dg) {
  detail::gpu::launch_rows(stream, dg.rows, dg.columns,
                           detail::gpu::sequence_products_rows{x, offsets, dy, dg});
}

DNALM_EMITTED void cuda_add_sequences(cuda_stream stream, device_matrix<const float> g,
                                      device_vector<const index_t> offsets, device_matrix<float> y) {
  detail::gpu::launch_rows(stream, y.rows, y.columns, detail::gpu::add_sequences_rows{g, offsets, y});
}

DNALM_END_NAMESPACE
