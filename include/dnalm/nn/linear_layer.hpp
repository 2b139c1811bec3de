// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A weight matrix with an optional bias.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// y = residual + function(x W^T + b). x and y of forward and forward_gated may be rows of the backend's
/// storage type for them.
template <class B>
requires linear_kernels<B> && memory_kernels<B>
struct linear_layer {
  typename B::weight weight;
  typename B::vector bias;  ///< empty: none

  /// Numbers of scratch that forward and forward_gated need.
  [[nodiscard]] index_t scratch(const B& backend) const { return backend.linear_scratch(weight); }
  template <class Input, class Output>
  void forward(const B& backend, Input x, output_vector<B> scratch, Output y,
               activation function = activation::none, input_matrix<B> residual = {}) const {
    backend.linear(x, weight, {bias.view(), function, residual}, scratch, y);
  }
  /// Outputs [first, first + count) of forward without function and residual, in their columns of y (R, out).
  /// A backend that cannot make these alone makes all. The bits are those of forward.
  template <class Input, class Output>
  void forward_outputs(const B& backend, Input x, index_t first, index_t count, output_vector<B> scratch,
                       Output y) const {
    if constexpr (requires { backend.part_of(weight, first, count); }) {
      if (backend.has_part_at(first)) {
        const typename B::weight part = backend.part_of(weight, first, count);
        const input_vector<B> own = bias.size() == 0 ? input_vector<B>{} : bias.view().part(first, count);
        return backend.linear(x, part, {own, activation::none, {}}, scratch, y.column_block(first, count));
      }
    }
    forward(backend, x, scratch, y);
  }
  /// y (R, F) = function(a) b, [a | b] = x W^T + b; the weight was packed by pack_gated.
  template <class Input, class Output>
  void forward_gated(const B& backend, Input x, output_vector<B> scratch, Output y,
                     activation function) const {
    backend.linear_gated(x, weight, {bias.view(), function, {}}, scratch, y);
  }

  /// Numbers of scratch that vjp needs.
  [[nodiscard]] index_t vjp_scratch(const B& backend) const { return backend.linear_vjp_scratch(weight); }
  /// dx = residual + dy W: the adjoint of the product alone (an activation has activation_vjp).
  /// dy (R, out), dx (R, in); dx may be the residual, not dy. Either may be rows of the backend's storage
  /// type for them, dx then without a residual.
  template <class Input, class Output>
  void vjp(const B& backend, Input dy, output_vector<B> scratch, Output dx,
           input_matrix<B> residual = {}) const {
    backend.linear_vjp(dy, weight, residual, scratch, dx);
  }
};

DNALM_END_NAMESPACE
