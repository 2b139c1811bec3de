// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The elements of a stored tensor as row-major bytes, as they are or in another float type.
#pragma once

#include <cstddef>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/stored_tensor.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// Whether a type is one of the floats that can be converted: F64, F32, F16, BF16.
[[nodiscard]] constexpr bool is_convertible_float(dtype type) {
  return type == dtype::f64 || type == dtype::f32 || type == dtype::f16 || type == dtype::bf16;
}

/// All elements in row-major order, bit for bit, whatever the strides. Any type.
/// Cost: one pass, one copy of the tensor.
[[nodiscard]] std::vector<std::byte> row_major_bytes(const stored_tensor& tensor);

/// The same with floats rounded to `type` (to nearest, ties to even, once); other tensors keep their type.
/// NaN and infinity stay what they are.
/// \throws error [dnalm.numeric.262] when a finite number is beyond the largest of `type`,
/// [dnalm.unsupported.120] for a `type` that is none of F64, F32, F16, BF16.
[[nodiscard]] std::vector<std::byte> row_major_bytes(const stored_tensor& tensor, dtype type);

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/tensor_bytes_impl.hpp>
#endif
