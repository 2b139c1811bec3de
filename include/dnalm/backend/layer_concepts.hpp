// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a backend offers for networks of layers of different lengths and widths (layer_graph).
#pragma once

#include <concepts>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/relative_attention.hpp>
#include <dnalm/backend/row_placement.hpp>
#include <dnalm/backend/row_window.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/ragged.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Convolutions whose output has other rows than their input: convolution_kernels with the rows of x, `from`,
/// and those of y, `to`; the same adjoint, from dy (rows of `from`) to dx (rows of `to`). With equal offsets
/// and a stride of 1 they give the bits of those.
template <class B>
concept resizing_convolution_kernels = requires(const B& b, input_matrix<B> x, const ragged_offsets& rows,
                                                const typename B::weight& w, const convolution_taps& taps,
                                                epilogue_of<B> epilogue, output_vector<B> scratch,
                                                output_matrix<B> y) {
  { b.convolution_between(x, rows, w, taps, epilogue, scratch, rows, y) } -> std::same_as<void>;
  { b.convolution_between_vjp(x, rows, w, taps, x, scratch, rows, y) } -> std::same_as<void>;
};

/// Kernels that pool, move and weigh rows; formulas at the functions of their names (row_pooling.hpp,
/// masked_mean.hpp, row_placement.hpp, channel_kernels.hpp).
template <class B>
concept layer_kernels = requires(const B& b, input_matrix<B> x, const ragged_offsets& rows,
                                 const row_window& window, const row_placement& placement,
                                 const convolution_taps& taps, input_vector<B> v,
                                 vector_view<const index_t> first, index_t size, bool flag,
                                 typename B::scalar number, output_vector<B> scratch,
                                 const relative_attention_weights<typename B::scalar, B::space>& weights,
                                 output_matrix<B> y) {
  { b.max_pool_rows(x, rows, window, rows, y) } -> std::same_as<void>;
  { b.max_pool_rows_vjp(x, rows, window, x, rows, y) } -> std::same_as<void>;
  { b.average_pool_rows(x, rows, window, rows, y) } -> std::same_as<void>;
  { b.average_pool_rows_vjp(rows, window, x, rows, y) } -> std::same_as<void>;
  { b.sequence_mean(x, rows, y) } -> std::same_as<void>;
  { b.sequence_mean_vjp(rows, x, y) } -> std::same_as<void>;
  { b.sequence_max(x, rows, y) } -> std::same_as<void>;
  { b.sequence_max_vjp(x, rows, x, y) } -> std::same_as<void>;
  { b.masked_mean(x, x, rows, y) } -> std::same_as<void>;
  { b.masked_mean_vjp(x, x, x, rows, x, y, y) } -> std::same_as<void>;
  { b.place_rows(x, rows, placement, v, rows, y) } -> std::same_as<void>;
  { b.place_rows_vjp(x, rows, placement, rows, y) } -> std::same_as<void>;
  { b.flatten_rows(x, size, flag, y) } -> std::same_as<void>;
  { b.flatten_rows_vjp(x, size, flag, y) } -> std::same_as<void>;
  { b.repeat_rows(x, size, y) } -> std::same_as<void>;
  { b.repeat_rows_vjp(x, size, y) } -> std::same_as<void>;
  { b.join_rows(x, rows, first, rows, y) } -> std::same_as<void>;
  { b.join_rows_vjp(x, rows, first, rows, y) } -> std::same_as<void>;
  { b.reverse_rows(x, rows, y) } -> std::same_as<void>;
  { b.copy_matrix(x, y) } -> std::same_as<void>;
  { b.scale_channels(x, v, v, y) } -> std::same_as<void>;
  { b.threshold_rows(x, number, number, y) } -> std::same_as<void>;
  { b.threshold_rows_vjp(x, number, x, y) } -> std::same_as<void>;
  { b.depthwise_convolution(x, rows, x, v, taps, rows, y) } -> std::same_as<void>;
  { b.depthwise_convolution_vjp(x, rows, x, taps, rows, y) } -> std::same_as<void>;
  { b.weigh_positions(x, x, y) } -> std::same_as<void>;
  { b.project_positions(x, x, y) } -> std::same_as<void>;
  { b.project_positions_vjp(x, x, y) } -> std::same_as<void>;
  { b.softmax_pool_rows(x, x, rows, size, rows, y) } -> std::same_as<void>;
  { b.softmax_pool_rows_vjp(x, x, rows, size, x, rows, y, y) } -> std::same_as<void>;
  { b.relative_attention(x, x, x, weights, rows, scratch, y) } -> std::same_as<void>;
  { b.relative_attention_vjp(x, x, x, weights, rows, x, scratch, y, y, y) } -> std::same_as<void>;
  { b.multiply_sequences(x, x, rows, y) } -> std::same_as<void>;
  { b.multiply_sequences_vjp(x, rows, x, y) } -> std::same_as<void>;
};

/// A backend whose rows the host does not see one by one: sums with one row a sequence in one step. y[r] +=
/// g[s], s the sequence of row r, and by g dg[s] = the sum of dy[r] over the rows of s, in their order.
template <class B>
concept sequence_sum_kernels = requires(const B& b, input_matrix<B> x, const ragged_offsets& rows,
                                        output_matrix<B> y) {
  { b.add_sequences(x, rows, y) } -> std::same_as<void>;
  { b.add_sequences_vjp(x, rows, y) } -> std::same_as<void>;
};

/// Everything that a network of layers needs.
template <class B>
concept layer_backend = convolution_backend<B> && resizing_convolution_kernels<B> && layer_kernels<B> &&
    requires(const B& b, input_matrix<B> x, output_matrix<B> y) {
  { b.multiply(x, x, y) } -> std::same_as<void>;
};

DNALM_END_NAMESPACE
