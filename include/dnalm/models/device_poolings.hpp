// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Pooled vectors that stay in the memory of the GPU that made them.
#pragma once

#include <cstddef>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE

/// Pooled vectors of the sequences of one batch, there as long as the object is: whoever lets a stream read
/// them keeps it until that has happened. They are written already, so any stream may read them. Finite, but
/// for the mean and the largest of no tokens, which are NaN.
class device_poolings {
 public:
  virtual ~device_poolings() = default;
  [[nodiscard]] virtual index_t sequences() const = 0;
  /// (sequences, D) of the layer and the kind at these places of the pool_request.
  [[nodiscard]] virtual matrix_view<const float, memory_space::device> rows(std::size_t layer,
                                                                            std::size_t kind) const = 0;
};

DNALM_END_NAMESPACE
