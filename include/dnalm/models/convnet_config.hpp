// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What a model folder's config.json says of GPN's ConvNet.
#pragma once

#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/models/network_summary.hpp>

DNALM_BEGIN_NAMESPACE

/// One-hot tokens, blocks of a dilated convolution and a product (convnet_block), a masked-language-model
/// head. Sizes are positive and fit together once checked.
struct convnet_config {
  index_t layers = 0;                 ///< n_layers
  index_t width = 0;                  ///< D, hidden_size
  index_t vocabulary = 0;             ///< V, at most D: token v is the unit vector v of D channels
  index_t taps = 9;                   ///< kernel_size
  index_t dilation_base = 2;          ///< the factor from one dilation to the next
  index_t dilation_double_every = 1;  ///< blocks of one dilation
  index_t dilation_max = 32;
  index_t dilation_cycle = 6;  ///< blocks until the dilations begin again at 1
  double norm_eps = 1e-5;
  double initializer_range = 0.02;

  /// min(dilation_max, dilation_base^((layer mod dilation_cycle) / dilation_double_every)), divided rounding
  /// down.
  [[nodiscard]] index_t dilation(index_t layer) const {
    index_t dilation = 1;
    for (index_t i = layer % dilation_cycle / dilation_double_every; i > 0 && dilation_base > 1; --i) {
      if (dilation >= dilation_max / dilation_base + 1) return dilation_max;
      dilation *= dilation_base;
    }
    return dilation < dilation_max ? dilation : dilation_max;
  }
  [[nodiscard]] convolution_taps layer_taps(index_t layer) const { return same_taps(taps, dilation(layer)); }
  /// Bases that can change the numbers of one: 1 + (taps - 1) times the sum of the dilations.
  [[nodiscard]] index_t receptive_field() const {
    index_t sum = 0;
    for (index_t layer = 0; layer < layers; ++layer) sum = checked_add(sum, dilation(layer));
    return checked_add(1, checked_mul(taps - 1, sum));
  }
  [[nodiscard]] network_summary summary() const {
    return {.architecture = "GPN",
            .layers = layers,
            .width = width,
            .vocabulary = vocabulary,
            .initializer_range = initializer_range};
  }
};

DNALM_END_NAMESPACE
