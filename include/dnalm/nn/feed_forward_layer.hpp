// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The feed-forward half of a transformer block: a plain or a gated two-layer network.
#pragma once

#include <algorithm>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/block_workspace.hpp>
#include <dnalm/nn/linear_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// plain: y = residual + W2 f(W1 x + b1) + b2; gated: y = residual + W2 (f(a) b) + b2, [a | b] = W1 x + b1.
template <class B>
requires linear_kernels<B> && elementwise_kernels<B>
struct feed_forward_layer {
  linear_layer<B> first;   ///< (F, D), gated: (2 F, D), packed by pack_gated
  linear_layer<B> second;  ///< (D, F)
  index_t inner = 0;       ///< F
  activation function = activation::gelu_erf;
  bool gated = false;

  /// `y` may be `residual`, not `x` (unless it is also the residual). x may be rows of the backend's storage
  /// type for them.
  template <class Input>
  void forward(const B& backend, Input x, input_matrix<B> residual, const block_workspace<B>& w,
               output_matrix<B> y) const {
    const output_rows<B> hidden = w.wide.column_block(0, inner);
    if (gated) {
      first.forward_gated(backend, x, w.scratch, hidden, function);
    } else {
      first.forward(backend, x, w.scratch, hidden, function);
    }
    second.forward(backend, hidden, w.scratch, y, activation::none, residual);
  }

  /// Numbers of scratch that forward needs.
  [[nodiscard]] index_t scratch(const B& backend) const {
    return std::max(first.scratch(backend), second.scratch(backend));
  }

  /// Columns of z: F, gated 2 F.
  [[nodiscard]] index_t inner_columns() const { return gated ? 2 * inner : inner; }
  /// z = W1 x + b1, which vjp reads; x as for forward.
  template <class Input>
  void project(const B& backend, Input x, const block_workspace<B>& w, output_rows<B> z) const {
    first.forward(backend, x, w.scratch, z);
  }
  /// The same, and forward's inner rows in the first F columns of w.wide: f(z), gated, z = [a | b]: f(a) b.
  /// Of rows with a storage type of their own z is rounded before f, where forward may round after it.
  template <class Input>
  void project_and_activate(const B& backend, Input x, const block_workspace<B>& w, output_rows<B> z) const {
    const output_rows<B> hidden = w.wide.column_block(0, inner);
    if constexpr (recording_kernels<B>) {
      backend.linear_recorded(x, first.weight, {first.bias.view(), function, {}}, w.scratch, z, hidden);
    } else {
      project(backend, x, w, z);
      if (gated) {
        backend.gated(z, function, hidden);
      } else {
        backend.activate(z, function, hidden);
      }
    }
  }
  /// y = residual + W2 h + b2, h the inner rows that project_and_activate left. `y` may be `residual`.
  void finish(const B& backend, input_matrix<B> residual, const block_workspace<B>& w,
              output_matrix<B> y) const {
    second.forward(backend, w.wide.column_block(0, inner), w.scratch, y, activation::none, residual);
  }

  /// Numbers of scratch that vjp needs.
  [[nodiscard]] index_t vjp_scratch(const B& backend) const {
    return std::max(first.vjp_scratch(backend), second.vjp_scratch(backend));
  }
  /// dx = residual + dz W1 with dh = dy W2, plain: dz = f'(z) dh; gated, z = [a | b]: dz = [f'(a) b dh |
  /// f(a) dh].
  ///
  /// `z` as project left it; dz may be written over it. `dx` may be `dy` or `residual`. Takes F columns of
  /// w.wide.
  void vjp(const B& backend, output_rows<B> z, input_matrix<B> dy, input_matrix<B> residual,
           const block_workspace<B>& w, output_matrix<B> dx) const {
    const output_rows<B> hidden = w.wide.column_block(0, inner);
    second.vjp(backend, dy, w.scratch, hidden);
    if constexpr (recording_kernels<B>) {
      if (!has_pairs(backend)) {
        return backend.linear_recorded_vjp(z, function, hidden, first.weight, residual, w.scratch, dx);
      }
    }
    if (gated) {
      backend.gated_vjp(z, function, hidden, z);
    } else {
      backend.activation_vjp(z, function, hidden, z);
    }
    first.vjp(backend, z, w.scratch, dx, residual);
  }
};

DNALM_END_NAMESPACE
