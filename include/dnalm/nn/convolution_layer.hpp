// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A convolution along sequences with an optional bias.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// y[r] = residual[r] + function(sum over t of x[r + t dilation - before] W_t^T + b), zeros outside of r's
/// sequence.
template <class B>
requires convolution_kernels<B> && memory_kernels<B>
struct convolution_layer {
  typename B::weight weight;  ///< (out, taps in)
  typename B::vector bias;    ///< empty: none
  convolution_taps taps = {};

  /// Numbers of scratch that forward needs.
  [[nodiscard]] index_t scratch(const B& backend) const { return backend.convolution_scratch(weight); }
  /// x (R, in), y (R, out); y may be the residual, not x.
  void forward(const B& backend, input_matrix<B> x, const ragged_offsets& offsets, output_vector<B> scratch,
               output_matrix<B> y, activation function = activation::none,
               input_matrix<B> residual = {}) const {
    backend.convolution(x, offsets, weight, taps, {bias.view(), function, residual}, scratch, y);
  }

  /// Numbers of scratch that vjp needs.
  [[nodiscard]] index_t vjp_scratch(const B& backend) const {
    return backend.convolution_vjp_scratch(weight, taps);
  }
  /// dx[r] = residual[r] + sum over t of dy[r + before - t dilation] W_t: the adjoint of the product alone
  /// (an activation has activation_vjp). dy (R, out), dx (R, in); dx may be the residual, not dy.
  void vjp(const B& backend, input_matrix<B> dy, const ragged_offsets& offsets, output_vector<B> scratch,
           output_matrix<B> dx, input_matrix<B> residual = {}) const {
    backend.convolution_vjp(dy, offsets, weight, taps, residual, scratch, dx);
  }
};

DNALM_END_NAMESPACE
