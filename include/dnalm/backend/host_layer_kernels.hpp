// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The kernels of layered networks as members of a backend in host memory; each is the function of its
/// name.
#pragma once

#include <dnalm/backend/channel_kernels.hpp>
#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/masked_mean.hpp>
#include <dnalm/backend/relative_attention.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/backend/row_placement.hpp>
#include <dnalm/backend/row_pooling.hpp>
#include <dnalm/backend/row_window.hpp>
#include <dnalm/backend/secant_attention.hpp>
#include <dnalm/backend/secant_pooling.hpp>
#include <dnalm/backend/secant_rows.hpp>
#include <dnalm/backend/softmax_pooling.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// A base of backends in host memory whose scalars are T. They run on the thread that calls. No state but the
/// pairs: with them the adjoints are DeepLIFT's rules (pair_kernels).
template <class T>
class host_layer_kernels {
 public:
  [[nodiscard]] const row_pairs& pairs() const { return pairs_; }

  void max_pool_rows(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                     const ragged_offsets& to, matrix_view<T> y) const {
    dnalm::max_pool_rows(x, from, window, to, y);
  }
  void max_pool_rows_vjp(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                         matrix_view<const T> dy, const ragged_offsets& to, matrix_view<T> dx) const {
    if (pairs_.any) return secant_max_pool_vjp(x, from, window, dy, to, dx);
    dnalm::max_pool_rows_vjp(x, from, window, dy, to, dx);
  }
  void average_pool_rows(matrix_view<const T> x, const ragged_offsets& from, const row_window& window,
                         const ragged_offsets& to, matrix_view<T> y) const {
    dnalm::average_pool_rows(x, from, window, to, y);
  }
  void average_pool_rows_vjp(const ragged_offsets& from, const row_window& window, matrix_view<const T> dy,
                             const ragged_offsets& to, matrix_view<T> dx) const {
    dnalm::average_pool_rows_vjp(from, window, dy, to, dx);
  }
  void sequence_mean(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<T> y) const {
    dnalm::sequence_mean(x, offsets, y);
  }
  void sequence_mean_vjp(const ragged_offsets& offsets, matrix_view<const T> dy, matrix_view<T> dx) const {
    dnalm::sequence_mean_vjp(offsets, dy, dx);
  }
  void sequence_max(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<T> y) const {
    dnalm::sequence_max(x, offsets, y);
  }
  void sequence_max_vjp(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<const T> dy,
                        matrix_view<T> dx) const {
    if (pairs_.any) return secant_sequence_max_vjp(x, offsets, dy, dx);
    dnalm::sequence_max_vjp(x, offsets, dy, dx);
  }
  void masked_mean(matrix_view<const T> x, matrix_view<const T> mask, const ragged_offsets& offsets,
                   matrix_view<T> y) const {
    dnalm::masked_mean(x, mask, offsets, y);
  }
  void masked_mean_vjp(matrix_view<const T> x, matrix_view<const T> mask, matrix_view<const T> y,
                       const ragged_offsets& offsets, matrix_view<const T> dy, matrix_view<T> dx,
                       matrix_view<T> dmask) const {
    if (pairs_.any) return secant_masked_mean_vjp(x, mask, offsets, dy, dx, dmask);
    dnalm::masked_mean_vjp(x, mask, y, offsets, dy, dx, dmask);
  }
  void place_rows(matrix_view<const T> x, const ragged_offsets& from, const row_placement& placement,
                  vector_view<const T> fill, const ragged_offsets& to, matrix_view<T> y) const {
    dnalm::place_rows(x, from, placement, fill, to, y);
  }
  void place_rows_vjp(matrix_view<const T> dy, const ragged_offsets& from, const row_placement& placement,
                      const ragged_offsets& to, matrix_view<T> dx) const {
    dnalm::place_rows_vjp(dy, from, placement, to, dx);
  }
  void flatten_rows(matrix_view<const T> x, index_t length, bool by_channels, matrix_view<T> y) const {
    dnalm::flatten_rows(x, length, by_channels, y);
  }
  void flatten_rows_vjp(matrix_view<const T> dy, index_t length, bool by_channels, matrix_view<T> dx) const {
    dnalm::flatten_rows_vjp(dy, length, by_channels, dx);
  }
  void repeat_rows(matrix_view<const T> x, index_t factor, matrix_view<T> y) const {
    dnalm::repeat_rows(x, factor, y);
  }
  void repeat_rows_vjp(matrix_view<const T> dy, index_t factor, matrix_view<T> dx) const {
    dnalm::repeat_rows_vjp(dy, factor, dx);
  }
  void join_rows(matrix_view<const T> x, const ragged_offsets& part, vector_view<const index_t> first,
                 const ragged_offsets& to, matrix_view<T> y) const {
    dnalm::join_rows(x, part, first, to, y);
  }
  void join_rows_vjp(matrix_view<const T> dy, const ragged_offsets& part, vector_view<const index_t> first,
                     const ragged_offsets& to, matrix_view<T> dx) const {
    dnalm::join_rows_vjp(dy, part, first, to, dx);
  }
  void reverse_rows(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<T> y) const {
    dnalm::reverse_rows(x, offsets, y);
  }
  void copy_matrix(matrix_view<const T> x, matrix_view<T> y) const { dnalm::copy_matrix(x, y); }
  void scale_channels(matrix_view<const T> x, vector_view<const T> scale, vector_view<const T> shift,
                      matrix_view<T> y) const {
    dnalm::scale_channels(x, scale, shift, y);
  }
  void threshold_rows(matrix_view<const T> x, T threshold, T value, matrix_view<T> y) const {
    dnalm::threshold_rows(x, threshold, value, y);
  }
  void threshold_rows_vjp(matrix_view<const T> x, T threshold, matrix_view<const T> dy,
                          matrix_view<T> dx) const {
    dnalm::threshold_rows_vjp(x, threshold, dy, dx);
  }
  void depthwise_convolution(matrix_view<const T> x, const ragged_offsets& from, matrix_view<const T> w,
                             vector_view<const T> bias, const convolution_taps& taps,
                             const ragged_offsets& to, matrix_view<T> y) const {
    dnalm::depthwise_convolution(x, from, w, bias, taps, to, y);
  }
  void depthwise_convolution_vjp(matrix_view<const T> dy, const ragged_offsets& from, matrix_view<const T> w,
                                 const convolution_taps& taps, const ragged_offsets& to,
                                 matrix_view<T> dx) const {
    dnalm::depthwise_convolution_vjp(dy, from, w, taps, to, dx);
  }
  void weigh_positions(matrix_view<const T> x, matrix_view<const T> w, matrix_view<T> y) const {
    dnalm::weigh_positions(x, w, y);
  }
  void project_positions(matrix_view<const T> x, matrix_view<const T> w, matrix_view<T> y) const {
    dnalm::project_positions(x, w, y);
  }
  void project_positions_vjp(matrix_view<const T> dy, matrix_view<const T> w, matrix_view<T> dx) const {
    dnalm::project_positions_vjp(dy, w, dx);
  }
  void multiply_sequences(matrix_view<const T> x, matrix_view<const T> g, const ragged_offsets& offsets,
                          matrix_view<T> y) const {
    dnalm::multiply_sequences(x, g, offsets, y);
  }
  void multiply_sequences_vjp(matrix_view<const T> x, const ragged_offsets& offsets, matrix_view<const T> dy,
                              matrix_view<T> dg) const {
    if (pairs_.any) return secant_multiply_sequences_vjp(x, offsets, dy, dg);
    dnalm::multiply_sequences_vjp(x, offsets, dy, dg);
  }
  void softmax_pool_rows(matrix_view<const T> x, matrix_view<const T> logits, const ragged_offsets& from,
                         index_t size, const ragged_offsets& to, matrix_view<T> y) const {
    dnalm::softmax_pool_rows(x, logits, from, size, to, y);
  }
  void softmax_pool_rows_vjp(matrix_view<const T> x, matrix_view<const T> logits, const ragged_offsets& from,
                             index_t size, matrix_view<const T> dy, const ragged_offsets& to,
                             matrix_view<T> dx, matrix_view<T> dlogits) const {
    if (pairs_.any) return secant_softmax_pool_vjp(x, logits, from, size, dy, to, dx, dlogits);
    dnalm::softmax_pool_rows_vjp(x, logits, from, size, dy, to, dx, dlogits);
  }
  void relative_attention(matrix_view<const T> q, matrix_view<const T> k, matrix_view<const T> v,
                          const relative_attention_weights<T>& weights, const ragged_offsets& offsets,
                          vector_view<T> scratch, matrix_view<T> y) const {
    dnalm::relative_attention(q, k, v, weights, offsets, scratch, y);
  }
  void relative_attention_vjp(matrix_view<const T> q, matrix_view<const T> k, matrix_view<const T> v,
                              const relative_attention_weights<T>& weights, const ragged_offsets& offsets,
                              matrix_view<const T> dy, vector_view<T> scratch, matrix_view<T> dq,
                              matrix_view<T> dk, matrix_view<T> dv) const {
    dnalm::relative_attention_vjp(q, k, v, weights, offsets, dy, scratch, dq, dk, dv);
  }

  /// What only pairs have (pair_kernels): the rules of the functions of their names.
  void factor_vjp(matrix_view<const T> b, matrix_view<const T> dy, matrix_view<T> da) const {
    secant_factor_vjp(b, dy, pairs_, da);
  }
  void sequence_factor_vjp(matrix_view<const T> b, matrix_view<const T> dy, const ragged_offsets& offsets,
                           matrix_view<T> da) const {
    secant_sequence_factor_vjp(b, dy, offsets, da);
  }
  void softmax_pair_vjp(matrix_view<const T> x, matrix_view<const T> dy, matrix_view<T> dx) const {
    secant_softmax_vjp(x, dy, pairs_, dx);
  }
  void threshold_pair_vjp(matrix_view<const T> x, T threshold, T value, matrix_view<const T> dy,
                          matrix_view<T> dx) const {
    secant_threshold_vjp(x, threshold, value, dy, pairs_, dx);
  }
  void relative_attention_pair_vjp(const attention_rows<T>& observed, const attention_rows<T>& reference,
                                   const relative_attention_weights<T>& weights, matrix_view<const T> dy,
                                   matrix_view<T> dq, matrix_view<T> dk, matrix_view<T> dv) const {
    secant_relative_attention_vjp(observed, reference, weights, dy, dq, dk, dv);
  }

 protected:
  row_pairs pairs_ = {};
};

DNALM_END_NAMESPACE
