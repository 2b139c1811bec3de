// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Device code of cuda/strands.hpp.
#pragma once

#include <dnalm/cuda/detail/device.cuh>
#include <dnalm/cuda/detail/emitted.hpp>
#include <dnalm/cuda/detail/rows.cuh>
#include <dnalm/cuda/strands.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail::gpu {

/// Where the numbers of the strands stand in a row of 2 D: those of the given one from `given` on, those of
/// the other from `other` down.
struct strand_places {
  index_t given;
  index_t other;

  [[nodiscard]] static strand_places of(index_t channels, bool exchanged) {
    if (exchanged) return {channels, channels - 1};
    return {0, 2 * channels - 1};
  }
};

struct fold_strands_rows {
  device_matrix<const float> x;
  strand_places places;
  device_matrix<float> y;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const float* const from = x.row_data(r);
    float* const one = y.row_data(r);
    float* const two = y.row_data(x.rows + r);
    for (index_t c = team.rank(); c < y.columns; c += Threads) {
      one[c] = from[places.given + c];
      two[c] = from[places.other - c];
    }
  }
};

struct unfold_strands_rows {
  device_matrix<const float> y;
  strand_places places;
  device_matrix<float> x;

  template <int Threads>
  DNALM_DEVICE void operator()(index_t r, row_team<Threads> team) const {
    const float* const one = y.row_data(r);
    const float* const two = y.row_data(x.rows + r);
    float* const to = x.row_data(r);
    for (index_t c = team.rank(); c < y.columns; c += Threads) {
      to[places.given + c] = one[c];
      to[places.other - c] = two[c];
    }
  }
};

}  // namespace detail::gpu

DNALM_EMITTED void cuda_fold_strands(cuda_stream stream, device_matrix<const float> x, bool exchanged,
                                     device_matrix<float> y) {
  using namespace detail::gpu;
  launch_rows(stream, x.rows, y.columns, fold_strands_rows{x, strand_places::of(y.columns, exchanged), y});
}

DNALM_EMITTED void cuda_unfold_strands(cuda_stream stream, device_matrix<const float> y, bool exchanged,
                                       device_matrix<float> x) {
  using namespace detail::gpu;
  launch_rows(stream, x.rows, y.columns, unfold_strands_rows{y, strand_places::of(y.columns, exchanged), x});
}

DNALM_END_NAMESPACE
