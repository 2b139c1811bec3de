// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The rows that the adjoint of a product reads.
#pragma once

#include <dnalm/backend/activation.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cpu/detail/linear_memory.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// dy itself, or (z given) the adjoint of an activation or gate at z of dy.
struct recorded_rows {
  matrix_view<const float> dy = {};
  matrix_view<const float> z = {};
  activation function = activation::none;

  [[nodiscard]] recorded_rows row_block(index_t first, index_t count) const {
    return {dy.row_block(first, count), rows_or_none(z, first, count), function};
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
