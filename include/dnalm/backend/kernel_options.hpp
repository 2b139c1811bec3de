// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The optional parts of kernels, as aggregates.
#pragma once

#include <span>

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// What `linear` does after the product: y = residual + function(x W^T + bias).
template <class T, memory_space Space = memory_space::host>
struct linear_epilogue {
  vector_view<const T, Space> bias = {};      ///< (out); empty: none
  activation function = activation::none;     ///< applied before the residual is added
  matrix_view<const T, Space> residual = {};  ///< (rows, out), data null: none; may be the output itself
};

/// How `attention` scores pairs of tokens.
template <class T>
struct attention_options {
  index_t heads = 1;                           ///< head h owns channels [h K, (h + 1) K), K = width / heads
  T score_scale = T(1);                        ///< multiplies q . k after the dot product
  vector_view<const float> alibi_slopes = {};  ///< one per head, host memory; empty: no position bias
  index_t window = 0;  ///< tokens attend to tokens at most this far away; 0: to all of their sequence
};

/// What `layer_norm_pooled` makes of its input x (R, D) beside the norm, (sequences, D); what has no data is
/// not made.
template <class T, memory_space Space = memory_space::host>
struct norm_poolings {
  std::span<const unsigned char> special = {};  ///< host memory, one flag per row; empty: none is special
  matrix_view<T, Space> mean = {};              ///< over the rows that are not special; of none NaN
  matrix_view<T, Space> mean_all = {};          ///< over all rows
  matrix_view<T, Space> noted = {};  ///< zeros before; NaN afterwards where a number of x is not finite

  [[nodiscard]] bool empty() const {
    return mean.data == nullptr && mean_all.data == nullptr && noted.data == nullptr;
  }
};

DNALM_END_NAMESPACE
