// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A tensor as it lies in a mapped file: bytes, strides, and reading in logical (row-major) order.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/tensor_info.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

/// A tensor whose memory belongs to a file object that must outlive it.
///
/// Element (i_0, ..., i_k) starts at byte `(sum_a i_a * strides[a]) * size_of(info.type)` of `bytes`. Readers
/// have checked that every element lies inside `bytes`; nothing is said about alignment. Two tensors may
/// share bytes (tied weights).
struct stored_tensor {
  tensor_info info = {};
  std::vector<index_t> strides = {};      ///< in elements, not negative, one per axis
  std::span<const std::byte> bytes = {};  ///< from the first element to the end of the last

  /// Whether the elements lie row-major without gaps.
  [[nodiscard]] bool contiguous() const;
};

/// Row-major strides of a shape, in elements. \throws error [dnalm.shape.101] on overflow.
[[nodiscard]] std::vector<index_t> contiguous_strides(const std::vector<index_t>& shape);

/// Copies the elements in row-major logical order, converted to float; `out` has one place per element.
/// \throws error [dnalm.shape.287] when `out` has another size, [dnalm.unsupported.120] for 8-bit floats.
/// Cost: one pass; a plain copy when the tensor is contiguous F32.
void read_stored(const stored_tensor& tensor, std::span<float> out);
/// As above, to double (integers up to 2^53 stay exact).
void read_stored(const stored_tensor& tensor, std::span<double> out);

/// Row-major logical index of the first NaN or infinity, -1 when all elements are finite.
[[nodiscard]] index_t find_non_finite(const stored_tensor& tensor);

/// Index of the first NaN or infinity of a block of numbers, -1 when all are finite.
[[nodiscard]] index_t find_non_finite(std::span<const float> values);

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/stored_tensor_impl.hpp>
#endif
