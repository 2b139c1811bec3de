// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief One block of GPN's ConvNet: a convolution and a product, each with GELU and LayerNorm behind it.
#pragma once

#include <algorithm>

#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/nn/convolution_layer.hpp>
#include <dnalm/nn/linear_layer.hpp>
#include <dnalm/nn/norm_layer.hpp>

DNALM_BEGIN_NAMESPACE

/// The memory a convnet_block works in, shared by all of them.
template <class B>
struct convnet_views {
  output_matrix<B> narrow;    ///< (R, D)
  output_matrix<B> gradient;  ///< (R, D), for vjp only
  output_vector<B> scratch;   ///< what scratch says; for adjoints vjp_scratch
  const ragged_offsets* offsets = nullptr;
};

/// What the adjoint of one block needs of its forward pass, beside the block's input.
template <class B>
struct convnet_record {
  output_matrix<B> first;   ///< (R, D): the convolution, with its bias
  output_matrix<B> middle;  ///< (R, D): the stream between the halves
  output_matrix<B> second;  ///< (R, D): the product, with its bias
};

/// x += LN1(g(conv(x))); x += LN2(g(x W^T + b)), g the exact GELU. (GPN, `legacy` architecture: Benegas et
/// al., PNAS 2023.)
template <convolution_backend B>
struct convnet_block {
  convolution_layer<B> convolution;
  norm_layer<B> convolution_norm;
  linear_layer<B> linear;
  norm_layer<B> linear_norm;

  [[nodiscard]] index_t scratch(const B& backend) const {
    return std::max(convolution.scratch(backend), linear.scratch(backend));
  }
  /// x (R, D) in place.
  void forward(const B& backend, const convnet_views<B>& w, output_matrix<B> x) const {
    convolution.forward(backend, x, *w.offsets, w.scratch, w.narrow, activation::gelu_erf);
    add_branches(backend, w, x);
  }
  /// Some rows of sequences alone, with the bits of `forward`: x (R, D), rows w.offsets, in place. The rows
  /// that their taps read are `read`, of every sequence those between the first that its first row reads and
  /// the last that its last one does, `read_offsets`; where they lie beyond the ends they are zeros.
  void forward_rows(const B& backend, const convnet_views<B>& w, input_matrix<B> read,
                    const ragged_offsets& read_offsets,
                    output_matrix<B> x) const requires resizing_convolution_kernels<B> {
    const convolution_taps within{convolution.taps.taps, convolution.taps.dilation};
    backend.convolution_between(read, read_offsets, convolution.weight, within,
                                {convolution.bias.view(), activation::gelu_erf, {}}, w.scratch, *w.offsets,
                                w.narrow);
    add_branches(backend, w, x);
  }

  /// Fills the record; `finish` then gives the bits of `forward`. x (R, D).
  void make_record(const B& backend, const convnet_views<B>& w, input_matrix<B> x,
                   const convnet_record<B>& record) const {
    convolution.forward(backend, x, *w.offsets, w.scratch, record.first);
    sum(backend, convolution_norm, record.first, x, record.middle);
    linear.forward(backend, record.middle, w.scratch, record.second);
  }
  /// y (R, D), the block's output.
  void finish(const B& backend, const convnet_record<B>& record, output_matrix<B> y) const {
    sum(backend, linear_norm, record.second, record.middle, y);
  }

  [[nodiscard]] index_t vjp_scratch(const B& backend) const {
    return std::max({scratch(backend), convolution.vjp_scratch(backend), linear.vjp_scratch(backend)});
  }
  /// d (R, D) in place: from the gradient by the output to that by the input. Of y = x + LN(g(z)), z = x W^T
  /// + b, it is d + (g'(z) LN^T(g(z), d)) W; twice, the second half first.
  void vjp(const B& backend, const convnet_record<B>& record, const convnet_views<B>& w,
           output_matrix<B> d) const {
    branch_vjp(backend, linear_norm, record.second, d, w);
    linear.vjp(backend, w.gradient, w.scratch, d, d);
    branch_vjp(backend, convolution_norm, record.first, d, w);
    convolution.vjp(backend, w.gradient, *w.offsets, w.scratch, d, d);
  }

 private:
  /// Of x (R, D) and the convolution's output in w.narrow, behind its g.
  void add_branches(const B& backend, const convnet_views<B>& w, output_matrix<B> x) const {
    convolution_norm.forward(backend, w.narrow, w.narrow);
    backend.add(w.narrow, x);
    linear.forward(backend, x, w.scratch, w.narrow, activation::gelu_erf);
    linear_norm.forward(backend, w.narrow, w.narrow);
    backend.add(w.narrow, x);
  }
  /// y = x + LN(g(z)): the bits of `forward`, a sum of two numbers has no order.
  static void sum(const B& backend, const norm_layer<B>& norm, input_matrix<B> z, input_matrix<B> x,
                  output_matrix<B> y) {
    backend.activate(z, activation::gelu_erf, y);
    norm.forward(backend, y, y);
    backend.add(x, y);
  }
  /// w.gradient = g'(z) LN^T(g(z), d).
  static void branch_vjp(const B& backend, const norm_layer<B>& norm, input_matrix<B> z, input_matrix<B> d,
                         const convnet_views<B>& w) {
    backend.activate(z, activation::gelu_erf, w.narrow);
    norm.vjp(backend, w.narrow, d, w.gradient);
    backend.activation_vjp(z, activation::gelu_erf, w.gradient, w.gradient);
  }
};

DNALM_END_NAMESPACE
