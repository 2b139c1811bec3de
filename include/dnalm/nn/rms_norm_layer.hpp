// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief RMS norm with its scale.
#pragma once

#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/core/platform.hpp>

DNALM_BEGIN_NAMESPACE

/// y = x gamma / sqrt(mean(x^2) + eps) by rows; y may be x.
template <class B>
requires selective_scan_kernels<B> && memory_kernels<B>
struct rms_norm_layer {
  typename B::vector gamma;
  double eps = 1e-5;

  void forward(const B& backend, input_matrix<B> x, output_matrix<B> y) const {
    backend.rms_norm(x, gamma.view(), static_cast<scalar_of<B>>(eps), y);
  }
  /// dx = f (g - h mean(g h)) by rows, g = dy gamma, f = 1 / sqrt(mean(x^2) + eps), h = x f. dx may be dy,
  /// not x.
  void vjp(const B& backend, input_matrix<B> x, input_matrix<B> dy, output_matrix<B> dx) const {
    backend.rms_norm_vjp(x, gamma.view(), static_cast<scalar_of<B>>(eps), dy, dx);
  }
};

DNALM_END_NAMESPACE
