// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of networks of layers with a clock around each.
#pragma once

#include <utility>

#include <dnalm/backend/layer_concepts.hpp>

namespace dnalm_bench {

/// A base of Timed, which offers inner(), the backend that works, and timed(name, operations, work).
template <class Timed>
class timed_layer_kernels {
 public:
  using input = dnalm::matrix_view<const float>;
  using output = dnalm::matrix_view<float>;
  using row_offsets = const dnalm::ragged_offsets&;

/// Forwards every call of a kernel.
#define DNALM_BENCH_TIMED(kernel)                                                                    \
  template <class... Arguments>                                                                      \
  void kernel(Arguments&&... arguments) const {                                                      \
    self().timed(#kernel, 0, [&] { self().inner().kernel(std::forward<Arguments>(arguments)...); }); \
  }
  DNALM_BENCH_TIMED(max_pool_rows)
  DNALM_BENCH_TIMED(max_pool_rows_vjp)
  DNALM_BENCH_TIMED(average_pool_rows)
  DNALM_BENCH_TIMED(average_pool_rows_vjp)
  DNALM_BENCH_TIMED(sequence_mean)
  DNALM_BENCH_TIMED(sequence_mean_vjp)
  DNALM_BENCH_TIMED(sequence_max)
  DNALM_BENCH_TIMED(sequence_max_vjp)
  DNALM_BENCH_TIMED(masked_mean)
  DNALM_BENCH_TIMED(masked_mean_vjp)
  DNALM_BENCH_TIMED(place_rows_vjp)
  DNALM_BENCH_TIMED(flatten_rows)
  DNALM_BENCH_TIMED(flatten_rows_vjp)
  DNALM_BENCH_TIMED(repeat_rows)
  DNALM_BENCH_TIMED(repeat_rows_vjp)
  DNALM_BENCH_TIMED(join_rows)
  DNALM_BENCH_TIMED(join_rows_vjp)
  DNALM_BENCH_TIMED(reverse_rows)
  DNALM_BENCH_TIMED(copy_matrix)
  DNALM_BENCH_TIMED(threshold_rows)
  DNALM_BENCH_TIMED(threshold_rows_vjp)
  DNALM_BENCH_TIMED(depthwise_convolution)
  DNALM_BENCH_TIMED(depthwise_convolution_vjp)
  DNALM_BENCH_TIMED(weigh_positions)
  DNALM_BENCH_TIMED(project_positions)
  DNALM_BENCH_TIMED(project_positions_vjp)
  DNALM_BENCH_TIMED(multiply_sequences)
  DNALM_BENCH_TIMED(multiply_sequences_vjp)
  DNALM_BENCH_TIMED(softmax_pool_rows)
  DNALM_BENCH_TIMED(softmax_pool_rows_vjp)
  DNALM_BENCH_TIMED(relative_attention)
  DNALM_BENCH_TIMED(relative_attention_vjp)
#undef DNALM_BENCH_TIMED

  // With arguments that callers write as {}.
  void place_rows(input x, row_offsets from, const dnalm::row_placement& placement,
                  dnalm::vector_view<const float> fill, row_offsets to, output y) const {
    self().timed("place_rows", 0, [&] { self().inner().place_rows(x, from, placement, fill, to, y); });
  }
  void scale_channels(input x, dnalm::vector_view<const float> scale, dnalm::vector_view<const float> shift,
                      output y) const {
    self().timed("scale_channels", 0, [&] { self().inner().scale_channels(x, scale, shift, y); });
  }

 private:
  [[nodiscard]] const Timed& self() const {
    return static_cast<const Timed&>(*this);
  }
};

}  // namespace dnalm_bench
