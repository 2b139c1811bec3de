// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of networks of layers as members of a backend on a GPU; each is the function of its
/// name in this module.
#pragma once

#include <algorithm>
#include <span>

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/row_placement.hpp>
#include <dnalm/backend/row_window.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/channels.hpp>
#include <dnalm/cuda/detail/cuda_state.hpp>
#include <dnalm/cuda/pooling.hpp>
#include <dnalm/cuda/product_rows.hpp>
#include <dnalm/cuda/relative_attention.hpp>
#include <dnalm/cuda/row_moves.hpp>
#include <dnalm/cuda/views.hpp>
#include <dnalm/cuda/weighted_pooling.hpp>
#include <dnalm/cuda/window_pooling.hpp>
#include <dnalm/tensor/ragged.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// The rows of a kernel's input and output on the GPU, there at least as long as this object.
struct uploaded_resizing {
  uploaded<index_t> from;
  uploaded<index_t> to;

  [[nodiscard]] device_resizing view() const { return {from.view, to.view}; }
};

}  // namespace detail

/// A base of `Backend`, which copies host arrays to its GPU and lends scratch (cuda_backend). No state.
template <class Backend>
class cuda_layer_kernels {
  using in = device_matrix<const float>;
  using out = device_matrix<float>;
  using in_vector = device_vector<const float>;

 public:
  void max_pool_rows(in x, const ragged_offsets& from, const row_window& window, const ragged_offsets& to,
                     out y) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_max_pool_rows(self().stream(), x, rows.view(), window, y);
  }
  void max_pool_rows_vjp(in x, const ragged_offsets& from, const row_window& window, in dy,
                         const ragged_offsets& to, out dx) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_max_pool_rows_vjp(self().stream(), x, rows.view(), window, dy, dx);
  }
  void average_pool_rows(in x, const ragged_offsets& from, const row_window& window, const ragged_offsets& to,
                         out y) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_average_pool_rows(self().stream(), x, rows.view(), window, y);
  }
  void average_pool_rows_vjp(const ragged_offsets& from, const row_window& window, in dy,
                             const ragged_offsets& to, out dx) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_average_pool_rows_vjp(self().stream(), rows.view(), window, dy, dx);
  }
  /// Added up in double, as cuda_pool_rows does.
  void sequence_mean(in x, const ragged_offsets& offsets, out y) const {
    reduce(x, offsets, row_reduction::mean, y);
  }
  void sequence_mean_vjp(const ragged_offsets& offsets, in dy, out dx) const {
    const auto places = places_of(offsets);
    cuda_pool_rows_vjp<float>(self().stream(), dy, {.offsets = places.view}, dx);
  }
  void sequence_max(in x, const ragged_offsets& offsets, out y) const {
    reduce(x, offsets, row_reduction::largest, y);
  }
  void sequence_max_vjp(in x, const ragged_offsets& offsets, in dy, out dx) const {
    const auto places = places_of(offsets);
    cuda_sequence_max_vjp(self().stream(), x, places.view, dy, dx);
  }
  void masked_mean(in x, in mask, const ragged_offsets& offsets, out y) const {
    const auto places = places_of(offsets);
    with_scratch(cuda_masked_mean_scratch(x.rows, offsets.sequences()), [&](device_vector<float> scratch) {
      cuda_masked_mean(self().stream(), x, mask, places.view, scratch, y);
    });
  }
  void masked_mean_vjp(in x, in mask, in y, const ragged_offsets& offsets, in dy, out dx, out dmask) const {
    const auto places = places_of(offsets);
    with_scratch(cuda_masked_mean_scratch(x.rows, offsets.sequences()), [&](device_vector<float> scratch) {
      cuda_masked_mean_vjp(self().stream(), x, mask, y, places.view, dy, scratch, dx, dmask);
    });
  }
  void place_rows(in x, const ragged_offsets& from, const row_placement& placement, in_vector fill,
                  const ragged_offsets& to, out y) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_place_rows(self().stream(), x, rows.view(), placement, fill, y);
  }
  void place_rows_vjp(in dy, const ragged_offsets& from, const row_placement& placement,
                      const ragged_offsets& to, out dx) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_place_rows_vjp(self().stream(), dy, rows.view(), placement, dx);
  }
  void flatten_rows(in x, index_t length, bool by_channels, out y) const {
    cuda_flatten_rows(self().stream(), x, length, by_channels, y);
  }
  void flatten_rows_vjp(in dy, index_t length, bool by_channels, out dx) const {
    cuda_flatten_rows_vjp(self().stream(), dy, length, by_channels, dx);
  }
  void repeat_rows(in x, index_t factor, out y) const { cuda_repeat_rows(self().stream(), x, factor, y); }
  void repeat_rows_vjp(in dy, index_t factor, out dx) const {
    cuda_repeat_rows_vjp(self().stream(), dy, factor, dx);
  }
  void join_rows(in x, const ragged_offsets& part, vector_view<const index_t> first, const ragged_offsets& to,
                 out y) const {
    const detail::uploaded_resizing rows = resizing(part, to);
    const auto begins = places_of(std::span(first.begin(), first.end()));
    cuda_join_rows(self().stream(), x, rows.view(), begins.view, y);
  }
  void join_rows_vjp(in dy, const ragged_offsets& part, vector_view<const index_t> first,
                     const ragged_offsets& to, out dx) const {
    const detail::uploaded_resizing rows = resizing(part, to);
    const auto begins = places_of(std::span(first.begin(), first.end()));
    cuda_join_rows_vjp(self().stream(), dy, rows.view(), begins.view, dx);
  }
  void reverse_rows(in x, const ragged_offsets& offsets, out y) const {
    const auto places = places_of(offsets);
    cuda_reverse_rows(self().stream(), x, places.view, y);
  }
  void copy_matrix(in x, out y) const { cuda_finish_rows(self().stream(), x, {}, y); }
  void scale_channels(in x, in_vector scale, in_vector shift, out y) const {
    cuda_scale_channels(self().stream(), x, scale, shift, y);
  }
  void threshold_rows(in x, float threshold, float value, out y) const {
    cuda_threshold_rows(self().stream(), x, threshold, value, y);
  }
  void threshold_rows_vjp(in x, float threshold, in dy, out dx) const {
    cuda_threshold_rows_vjp(self().stream(), x, threshold, dy, dx);
  }
  void depthwise_convolution(in x, const ragged_offsets& from, in w, in_vector bias,
                             const convolution_taps& taps, const ragged_offsets& to, out y) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_depthwise_convolution(self().stream(), x, rows.view(), w, bias, taps, y);
  }
  void depthwise_convolution_vjp(in dy, const ragged_offsets& from, in w, const convolution_taps& taps,
                                 const ragged_offsets& to, out dx) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_depthwise_convolution_vjp(self().stream(), dy, rows.view(), w, taps, dx);
  }
  void weigh_positions(in x, in w, out y) const { cuda_weigh_positions(self().stream(), x, w, y); }
  void project_positions(in x, in w, out y) const { cuda_project_positions(self().stream(), x, w, y); }
  void project_positions_vjp(in dy, in w, out dx) const {
    cuda_project_positions_vjp(self().stream(), dy, w, dx);
  }
  void multiply_sequences(in x, in g, const ragged_offsets& offsets, out y) const {
    const auto places = places_of(offsets);
    cuda_multiply_sequences(self().stream(), x, g, places.view, y);
  }
  void multiply_sequences_vjp(in x, const ragged_offsets& offsets, in dy, out dg) const {
    const auto places = places_of(offsets);
    cuda_multiply_sequences_vjp(self().stream(), x, places.view, dy, dg);
  }
  void add_sequences(in g, const ragged_offsets& offsets, out y) const {
    const auto places = places_of(offsets);
    cuda_add_sequences(self().stream(), g, places.view, y);
  }
  /// Added up in double, as cuda_pool_rows does.
  void add_sequences_vjp(in dy, const ragged_offsets& offsets, out dg) const {
    reduce(dy, offsets, row_reduction::sum, dg);
  }
  void softmax_pool_rows(in x, in logits, const ragged_offsets& from, index_t size, const ragged_offsets& to,
                         out y) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_softmax_pool_rows(self().stream(), x, logits, rows.view(), size, y);
  }
  void softmax_pool_rows_vjp(in x, in logits, const ragged_offsets& from, index_t size, in dy,
                             const ragged_offsets& to, out dx, out dlogits) const {
    const detail::uploaded_resizing rows = resizing(from, to);
    cuda_softmax_pool_rows_vjp(self().stream(), x, logits, rows.view(), size, dy, dx, dlogits);
  }
  /// All sequences have the length of the weights' positions, so their offsets are not looked at.
  void relative_attention(in q, in k, in v, const device_relative_weights& weights, const ragged_offsets&,
                          device_vector<float>, out y) const {
    cuda_relative_attention(self().stream(), q, k, v, weights, y);
  }
  void relative_attention_vjp(in q, in k, in v, const device_relative_weights& weights, const ragged_offsets&,
                              in dy, device_vector<float>, out dq, out dk, out dv) const {
    with_scratch(cuda_relative_attention_vjp_scratch(q.rows, weights.heads),
                 [&](device_vector<float> scratch) {
                   cuda_relative_attention_vjp(self().stream(), q, k, v, weights, dy, scratch, dq, dk, dv);
                 });
  }

 protected:
  [[nodiscard]] detail::uploaded_resizing resizing(const ragged_offsets& from,
                                                   const ragged_offsets& to) const {
    return {places_of(from), places_of(to)};
  }

  [[nodiscard]] const Backend& self() const { return static_cast<const Backend&>(*this); }
  [[nodiscard]] detail::uploaded<index_t> places_of(const ragged_offsets& offsets) const {
    return self().template on_gpu<index_t>(offsets.offsets);
  }
  [[nodiscard]] detail::uploaded<index_t> places_of(std::span<const index_t> places) const {
    return self().on_gpu(places);
  }
  /// work(scratch) with so many numbers.
  template <class Work>
  void with_scratch(index_t numbers, const Work& work) const {
    auto memory = self().state_->products.pool().template lend_rows<float>(1, std::max<index_t>(numbers, 1));
    work(device_vector<float>{memory.template as<float>(), numbers});
  }

 private:
  void reduce(in x, const ragged_offsets& offsets, row_reduction how, out y) const {
    const auto places = places_of(offsets);
    cuda_pool_rows<float>(self().stream(), x, {.offsets = places.view, .left_out = {}, .how = how}, y);
  }
};

DNALM_END_NAMESPACE
