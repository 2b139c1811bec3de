// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief LayerNorm with its parameters.
#pragma once

#include <dnalm/backend/concepts.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// y = LN(x) gamma + beta by rows; y may be x. Both may be rows of the backend's storage type for them.
template <class B>
requires norm_kernels<B> && memory_kernels<B>
struct norm_layer {
  typename B::vector gamma;
  typename B::vector beta;
  double eps = 1e-12;

  template <class Input, class Output>
  void forward(const B& backend, Input x, Output y) const {
    backend.layer_norm(x, gamma.view(), beta.view(), static_cast<scalar_of<B>>(eps), y);
  }
  /// y = LN(x) gamma + beta, and the same in `rows`; y may be x. For a backend whose rows have a storage type
  /// of their own.
  void forward_both(const B& backend, input_matrix<B> x, output_matrix<B> y, output_rows<B> rows) const {
    backend.layer_norm_both(x, gamma.view(), beta.view(), static_cast<scalar_of<B>>(eps), y, rows);
  }
  /// y = LN(x) gamma + beta, and poolings of x; y may be x.
  void forward_pooled(const B& backend, input_matrix<B> x, const ragged_offsets& offsets,
                      const norm_poolings_of<B>& poolings,
                      output_rows<B> y) const requires norm_pooling_kernels<B> {
    backend.layer_norm_pooled(x, gamma.view(), beta.view(), static_cast<scalar_of<B>>(eps), offsets, poolings,
                              y);
  }

  /// dx = (g - mean(g) - xhat mean(g xhat)) / sqrt(var(x) + eps) by rows, g = dy gamma, xhat the normalised
  /// x. dx may be dy, not x.
  void vjp(const B& backend, input_matrix<B> x, input_matrix<B> dy, output_matrix<B> dx) const {
    backend.layer_norm_vjp(x, gamma.view(), static_cast<scalar_of<B>>(eps), dy, dx);
  }
};

DNALM_END_NAMESPACE
