// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A weight matrix as a GPU keeps it, made on the host.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/matmul.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/dtype.hpp>
#include <dnalm/tensor/view.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

[[nodiscard]] inline index_t multiple_of_8(index_t size) {
  return checked_add(size, 7) / 8 * 8;
}

struct weight_shape {
  index_t outputs = 0;
  index_t inputs = 0;
};

/// Of matrices below each other. \throws error [dnalm.shape.352], [dnalm.shape.353]
[[nodiscard]] inline weight_shape shape_of_parts(std::span<const matrix_view<const float>> parts,
                                                 bool gated) {
  weight_shape shape{0, parts.empty() ? 0 : parts[0].columns};
  for (const auto& part : parts) {
    shape.outputs = checked_add(shape.outputs, part.rows);
    if (part.columns == shape.inputs) continue;
    throw error(
        error_kind::shape, 353, "weights below each other differ in width",
        {.expected = std::to_string(shape.inputs) + " columns", .found = std::to_string(part.columns)});
  }
  if (gated && shape.outputs % 2 != 0) {
    throw error(error_kind::shape, 352, "a gated weight with an odd number of rows",
                {.expected = "two halves", .found = std::to_string(shape.outputs) + " rows"});
  }
  return shape;
}

/// The 16 bits of a weight. \throws error [dnalm.numeric.354] when they cannot hold it.
[[nodiscard]] inline std::uint16_t half_of_weight(float weight, cuda_precision precision) {
  const bool brain = precision == cuda_precision::bf16;
  const std::uint16_t bits = brain ? bf16_from_float(weight) : f16_from_float(weight);
  const std::uint16_t infinity = brain ? 0x7F80U : 0x7C00U;
  if ((bits & infinity) == infinity) {
    throw error(error_kind::numeric, 354,
                brain ? "a weight is too large for bfloat16" : "a weight is too large for half precision",
                {.expected = brain ? "numbers below 3.39e38, or weights in f32"
                                   : "numbers below 65520, or weights in bf16 or f32",
                 .found = std::to_string(weight)});
  }
  return bits;
}

/// (outputs, inputs) and zeros up to the next multiple of 8 in both directions.
[[nodiscard]] inline buffer<std::byte> stored_weight(std::span<const matrix_view<const float>> parts,
                                                     const weight_shape& shape, cuda_precision precision) {
  const index_t bytes = is_half(precision) ? 2 : 4;
  const index_t row_bytes = checked_mul(multiple_of_8(shape.inputs), bytes);
  buffer<std::byte> stored(checked_mul(multiple_of_8(shape.outputs), row_bytes));
  std::byte* to = stored.data();
  for (const auto& part : parts) {
    for (index_t r = 0; r < part.rows; ++r, to += row_bytes) {
      const float* row = part.row_data(r);
      if (!is_half(precision)) {
        std::memcpy(to, row, static_cast<std::size_t>(shape.inputs) * sizeof(float));
        continue;
      }
      for (index_t k = 0; k < shape.inputs; ++k) {
        const std::uint16_t bits = half_of_weight(row[k], precision);
        std::memcpy(to + 2 * k, &bits, sizeof(bits));
      }
    }
  }
  return stored;
}

}  // namespace detail
DNALM_END_NAMESPACE
